import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { createInterface } from "node:readline";
import type { Load, Reply } from "./requests.js";

const usualTimeoutMs = 5000;

/** Reads loads as lines of JSON, each with an id, and answers each with its replies. Runs within a pod's network. */
const sessions = new Map<string, ClientHttp2Session>();

for await (const line of createInterface({ input: process.stdin })) {
  const { id, load } = JSON.parse(line) as { id: number; load: Load };
  void send(load).then((replies) => process.stdout.write(`${JSON.stringify({ id, replies })}\n`));
}
process.exit(0);

async function send(load: Load): Promise<Reply[]> {
  const replies: Reply[] = [];
  const begin = performance.now();
  const { times = load.milliseconds === undefined ? 1 : Number.POSITIVE_INFINITY, concurrency = 1 } = load;
  let sent = 0;
  const more = () =>
    sent < times && performance.now() - begin < (load.milliseconds ?? Number.POSITIVE_INFINITY);
  const worker = async () => {
    while (more()) {
      const at = sent++;
      const started = performance.now();
      replies.push(await request(load, load.bodies?.[at] ?? load.body, started - begin));
      const rest = (load.everyMs ?? 0) - (performance.now() - started);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return replies;
}

function session({ origin, servername }: Load): ClientHttp2Session {
  const known = sessions.get(origin);
  if (known && !known.closed && !known.destroyed) return known;
  const fresh = connect(origin, { rejectUnauthorized: false, ...(servername ? { servername } : {}) });
  fresh.on("error", () => sessions.delete(origin));
  for (const end of ["goaway", "close"]) fresh.on(end, () => sessions.delete(origin));
  sessions.set(origin, fresh);
  return fresh;
}

function request(load: Load, body: string | undefined, startedMs: number): Promise<Reply> {
  const started = performance.now();
  const reply = {
    status: 0,
    headers: {},
    trailers: {},
    headersOnly: false,
    body: "",
    error: "",
    startedMs,
    tookMs: 0,
  };
  return new Promise((resolve) => {
    const open = session(load);
    const failed = (error: NodeJS.ErrnoException) => {
      reply.error ||= error.code ?? error.message;
      settle();
    };
    const settle = () => {
      clearTimeout(timer);
      open.off("error", failed);
      resolve({ ...reply, tookMs: performance.now() - started });
    };
    open.on("error", failed);
    const headers = { ":method": load.method, ":path": load.path, ...load.headers };
    const stream = open.request(load.authority ? { ...headers, ":authority": load.authority } : headers);
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      reply.error ||= "ETIMEDOUT";
      open.destroy();
    }, load.timeoutMs ?? usualTimeoutMs);
    stream.on("response", ({ ":status": status, ...rest }, flags) => {
      Object.assign(reply, {
        status,
        headers: flat(rest),
        headersOnly: (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0,
      });
    });
    stream.on("trailers", (trailers) => Object.assign(reply, { trailers: flat(trailers) }));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (error: NodeJS.ErrnoException) => (reply.error ||= error.code ?? error.message));
    stream.on("close", () => {
      reply.body = Buffer.concat(chunks).toString("base64");
      if (reply.status === 0) reply.error ||= `RST_STREAM ${stream.rstCode}`;
      settle();
    });
    stream.end(body === undefined ? undefined : Buffer.from(body, "base64"));
  });
}

function flat(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
