import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { startPlatform, type TestPlatform } from "../../support/platform.js";

/** What came back, with nothing of it interpreted. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape.
  readonly json: any;
}

/** What a browser would send, whose own headers `fetch` does not let a program set. */
export interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** Sends one request and reads the whole answer, whatever its coding. */
export async function send(url: string, method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const { origin, hostname, port } = new URL(url);
  const request = httpRequest({
    hostname,
    port,
    method,
    path,
    headers: { host: new URL(origin).host, ...sent.headers },
  });
  request.end(sent.body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, json: parsed(bytes) };
}

/** JSON with its type. */
export function json(body: unknown, headers: Record<string, string> = {}): Sent {
  return { body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The edge before accounts and agents, which is all that its own tests call. */
export function startEdge(environment: Record<string, string> = {}): Promise<TestPlatform> {
  const secret = "what workloads without a mesh prove themselves by";
  return startPlatform({
    names: ["auth", "agents", "gateway"],
    environment: { PEER_SECRET: secret, ...environment },
  });
}
