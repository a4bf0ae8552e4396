import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { onTestFinished } from "vitest";
import { createCompiledJsonCodec } from "../../../services/gateway/compiled-json.js";
import type {
  TranscodedCall,
  TranscodedReply,
  TranscodedStream,
  TranscodedStreamReply,
} from "../../../services/gateway/transcode/call.js";
import { createJsonCodec } from "../../../services/gateway/transcode/json.js";
import {
  defaultLimits,
  type Rejection,
  type TranscoderOptions,
} from "../../../services/gateway/transcode/options.js";
import type { CallStream } from "../../../services/gateway/transcode/serve-stream.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";

export const image = readFileSync(new URL("./fixture.binpb", import.meta.url));

/** With FAST_PATH=false in the environment, protobuf-es codes JSON, with the same results. */
const createCodec = process.env.FAST_PATH === "false" ? createJsonCodec : createCompiledJsonCodec;

/** The contract of fixture.proto. */
export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));

export function serviceOf(name: "Fixture" | "Broken"): DescService {
  const service = registry.getService(`fixture.v1.${name}`);
  if (!service) throw new Error(`fixture.proto has no service ${name}`);
  return service;
}

export function messageOf(name: string): DescMessage {
  const message = registry.getMessage(`fixture.v1.${name}`) ?? registry.getMessage(name);
  if (!message) throw new Error(`fixture.proto has no message ${name}`);
  return message;
}

export type Context = { readonly id: string };

/** What `call` was given last, as JSON with the fields that are set. */
export interface Seen {
  readonly method: string;
  readonly route: string;
  readonly input: unknown;
  readonly call: TranscodedCall<Context>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
  /** What follows the last chunk. */
  readonly trailers: string;
}

export interface Server {
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly rejections: readonly Rejection<Context>[];
  readonly failures: readonly unknown[];
  /** One request with exactly this target, which no library normalises. */
  send(method: string, target: string, options?: SendOptions): Promise<Answer>;
}

export interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export interface ServeOptions {
  /** The fixture's unless given. */
  readonly services?: readonly DescService[];
  readonly call?: (call: TranscodedCall<Context>) => Promise<TranscodedReply>;
  /** Null for a transcoder without streams. */
  readonly stream?: CallStream<Context> | null;
  readonly options?: Partial<TranscoderOptions<Context>>;
  /** Sees each request before the transcoder. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** The fixture's service behind node:http on a free port, answering with its own request unless told otherwise. */
export async function serve({
  services = [serviceOf("Fixture")],
  call = echo,
  stream = echoStream,
  options = {},
  before,
}: ServeOptions = {}): Promise<Server> {
  const seen: Seen[] = [];
  const rejections: Rejection<Context>[] = [];
  const failures: unknown[] = [];
  const transcoder = createTranscoder<Context>({
    services,
    call: (made) => {
      seen.push({ method: made.method.name, route: made.route, input: shown(made.method, made), call: made });
      return call(made);
    },
    ...(stream && { stream }),
    options: {
      requestId: ({ id }) => id,
      registry,
      ignoreUnknownFields: (method) => method.name === "Lenient",
      onReject: (rejection) => rejections.push(rejection),
      onError: (failure) => failures.push(failure),
      codec: createCodec({ registry, maxDepth: options.limits?.depth ?? defaultLimits.depth }),
      ...options,
    },
  });
  const port = await listen((request, response) => {
    before?.(request, response);
    if (transcoder.handle(request, response, { id: "r1" })) return;
    response.writeHead(404, { "content-type": "text/plain", "content-length": 8 }).end("no route");
  });
  return { port, seen, rejections, failures, send: (...args) => send(port, ...args) };
}

export async function echo({ input }: TranscodedCall<Context>): Promise<TranscodedReply> {
  return { message: input, header: new Headers(), trailer: new Headers() };
}

/** Downloads end with their request, uploads answer with the last message. */
export async function echoStream({
  method,
  input,
}: TranscodedStream<Context>): Promise<TranscodedStreamReply> {
  if (method.methodKind === "server_streaming") return streaming(input);
  let last = create(method.output);
  for await (const message of input) last = message;
  return streaming(only(last));
}

export function streaming(
  messages: AsyncIterable<Message>,
  header: Record<string, string> = {},
  trailer: Record<string, string> = {},
): TranscodedStreamReply {
  return { messages, header: new Headers(header), trailer: new Headers(trailer) };
}

export async function* only(...messages: readonly Message[]) {
  yield* messages;
}

/** Listens on a free port until the test ends. */
export async function listen(
  onRequest: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<number> {
  const server = createServer(onRequest);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Writes bytes to a port and collects what comes back until the server closes. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // A reset after the answer is no failure: the answer is what counts.
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

async function send(
  port: number,
  method: string,
  target: string,
  options: SendOptions = {},
): Promise<Answer> {
  const body = Buffer.from(options.body ?? "");
  const headers: Record<string, string> = { host: "localhost", connection: "close", ...options.headers };
  if (options.body !== undefined) headers["content-length"] ??= String(body.length);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
  return parseAnswer(await exchange(port, Buffer.concat([head, body])));
}

export function parseAnswer(raw: string): Answer {
  const split = raw.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = raw.slice(0, split).split("\r\n");
  const headers = new Headers(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const chunked = headers.get("transfer-encoding") === "chunked";
  const { body, trailers } = chunked
    ? dechunked(raw.slice(split + 4))
    : { body: raw.slice(split + 4), trailers: "" };
  const text = Buffer.from(body, "latin1").toString("utf8");
  const isJson = /[/+]json$/.test(headers.get("content-type") ?? "") && text !== "";
  return {
    status: Number(statusLine.split(" ")[1]),
    headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
    trailers,
  };
}

/** The body of chunks; one that breaks off ends with "[cut]". */
function dechunked(raw: string): { body: string; trailers: string } {
  let body = "";
  let at = 0;
  for (;;) {
    const line = raw.indexOf("\r\n", at);
    if (line < 0) return { body: `${body}[cut]`, trailers: "" };
    const size = Number.parseInt(raw.slice(at, line), 16);
    if (size === 0) return { body, trailers: raw.slice(line + 2).trim() };
    body += raw.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

function shown(method: DescMethod, { input }: TranscodedCall<Context>): unknown {
  return toJson(method.input, input, { registry, useProtoFieldName: true });
}
