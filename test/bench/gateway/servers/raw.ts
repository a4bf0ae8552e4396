import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { framed } from "../contract/frames.js";
import { answer, methodOf, plainService, restPath, review, rpcPath } from "../contract/review.js";

/** How long a connection may wait for its turn between two rounds, in milliseconds. */
const turnMs = 60_000;
const grpcHeaders = { ":status": 200, "content-type": "application/grpc" };

/** What node:http itself takes: JSON in, JSON out, no contract. */
export async function serveRawHttp(): Promise<number> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method !== "POST" || request.url !== restPath) {
        response.writeHead(404).end();
        return;
      }
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const { limits } = JSON.parse(body.toString());
      const text = JSON.stringify(review(limits.quality));
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      });
      response.end(text);
    });
  });
  server.keepAliveTimeout = turnMs;
  return portOf(server);
}

/** What node:http2 itself takes: one gRPC method, coded by protobuf-es. */
export async function serveRawHttp2(): Promise<number> {
  const { input, output } = methodOf(plainService());
  const server = createHttp2Server();
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (headers[":path"] !== rpcPath) {
        stream.respond({ ":status": 404 }, { endStream: true });
        return;
      }
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      const reply = create(output, answer(fromBinary(input, body.subarray(5))));
      stream.respond(grpcHeaders, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(framed(toBinary(output, reply)));
    });
  });
  return portOf(server);
}

/** Listens on a free port of the loopback device. */
export function portOf(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
