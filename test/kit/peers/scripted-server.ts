import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { GetAgentResponseSchema } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import {
  createWirePool,
  defaultPoolLimits,
  type Http2Client,
  http2Clients,
  type PoolLimits,
} from "../../../services/kit/peers/wire-pool.js";
import { createWireUnary } from "../../../services/kit/peers/wire-unary.js";

/** Answers a call, whose body has arrived. */
export type Script = (stream: ServerHttp2Stream, call: ScriptedCall) => void;

/** What a script knows of a call. */
export interface ScriptedCall {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly session: ServerHttp2Session;
  /** Cuts the connection without a word. */
  cut(): void;
  /** How many calls came before it. */
  readonly earlier: number;
}

/** An HTTP/2 server that does as it is told, right or wrong, until the test ends. */
export async function scriptedServer(script: Script, settings: Settings = {}) {
  const sessions: ServerHttp2Session[] = [];
  const sockets: Socket[] = [];
  const calls: ScriptedCall[] = [];
  const server = createServer({ settings });
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const session = stream.session as ServerHttp2Session;
      const call = {
        headers,
        body: Buffer.concat(chunks),
        session,
        cut: () => void sockets[sessions.indexOf(session)]?.resetAndDestroy(),
        earlier: calls.length,
      };
      calls.push(call);
      script(stream, call);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sessions, calls };
}

/** A message in its frame, with flags. */
export function frame(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** An agent of this name, as a server sends it. */
export function agent(name: string): Buffer {
  const answer: MessageInitShape<typeof GetAgentResponseSchema> = { agent: { name } };
  return frame(toBinary(GetAgentResponseSchema, create(GetAgentResponseSchema, answer)));
}

/** Sends an answer of these parts; without trailers, the headers are all that there is beside the body. */
export function reply(
  stream: ServerHttp2Stream,
  parts: {
    readonly header?: Record<string, string | number>;
    readonly body?: Uint8Array;
    readonly trailer?: Record<string, string>;
  },
): void {
  const header = { ":status": 200, "content-type": "application/grpc+proto", ...parts.header };
  const { trailer } = parts;
  stream.respond(header, { waitForTrailers: trailer !== undefined });
  if (trailer) stream.once("wantTrailers", () => stream.sendTrailers(trailer));
  stream.end(parts.body);
}

/** A complete answer with an agent of this name. */
export function answerWith(stream: ServerHttp2Stream, name: string): void {
  reply(stream, { body: agent(name), trailer: { "grpc-status": "0" } });
}

/** Makes a client towards an address, with other limits than usual, that lives until the test ends. */
export type ClientOf = ReturnType<typeof clientsOf>;

/** Makes clients of ours that speak HTTP/2 by one of the ways that there are. */
export function clientsOf(client: Http2Client) {
  return (url: string, limits: Partial<PoolLimits> & { readonly bodyLimit?: number } = {}) => {
    const { bodyLimit = 8_388_608, ...others } = limits;
    const pool = createWirePool({
      origin: url,
      limits: { ...defaultPoolLimits, ...others },
      connect: http2Clients[client],
    });
    onTestFinished(() => pool.close());
    return { pool, call: createWireUnary({ pool, bodyLimit }) };
  };
}
