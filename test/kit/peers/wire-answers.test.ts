import { gzipSync } from "node:zlib";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { http2ClientNames } from "../../../services/kit/peers/wire-pool.js";
import { asTransportUnary } from "../../../services/kit/peers/wire-unary.js";
import {
  agent,
  answerWith,
  clientsOf,
  frame,
  reply,
  type Script,
  scriptedServer,
} from "./scripted-server.js";

const { getAgent } = AgentsService.method;
const bodyLimit = 65_536;
const whole = agent("ada");
const ok = { "grpc-status": "0" };
const notFound = { "grpc-status": "5", "grpc-message": "no%20agent%2C%20%C3%A4" };
/** google.rpc.Status with code 9, a message, and a detail of a type that nobody knows. */
const details = Buffer.concat([
  Buffer.from([8, 9, 18, 3]),
  Buffer.from("not"),
  Buffer.from([26, 13, 10, 7]),
  Buffer.from("a/b.Odd"),
  Buffer.from([18, 2, 8, 1]),
]).toString("base64");

/** Answers of every kind, right and wrong. */
const answers: Readonly<Record<string, Script>> = {
  "one message": (stream) => reply(stream, { body: whole, trailer: ok }),
  "one message of type application/grpc": (stream) =>
    reply(stream, { header: { "content-type": "application/grpc" }, body: whole, trailer: ok }),
  "headers and trailers of its own": (stream) =>
    reply(stream, { header: { "x-one": "1" }, body: whole, trailer: { ...ok, "x-two": "2" } }),
  "a compressed message": (stream) =>
    reply(stream, {
      header: { "grpc-encoding": "gzip" },
      body: frame(gzipSync(whole.subarray(5)), 1),
      trailer: ok,
    }),
  "a compressed message without an encoding": (stream) =>
    reply(stream, { body: frame(gzipSync(whole.subarray(5)), 1), trailer: ok }),
  "a compressed message that is not": (stream) =>
    reply(stream, { header: { "grpc-encoding": "gzip" }, body: frame(Buffer.from("zip"), 1), trailer: ok }),
  "a compressed message that grows too large": (stream) =>
    reply(stream, {
      header: { "grpc-encoding": "gzip" },
      body: frame(gzipSync(Buffer.alloc(bodyLimit + 1)), 1),
      trailer: ok,
    }),
  "an encoding that nobody asked for": (stream) =>
    reply(stream, { header: { "grpc-encoding": "zstd" }, body: whole, trailer: ok }),
  "an empty message": (stream) => reply(stream, { body: frame(Buffer.alloc(0)), trailer: ok }),
  "no message": (stream) => reply(stream, { trailer: ok }),
  "no message and no trailers": (stream) => reply(stream, {}),
  "two messages": (stream) => reply(stream, { body: Buffer.concat([whole, whole]), trailer: ok }),
  "half a message": (stream) => reply(stream, { body: whole.subarray(0, 7), trailer: ok }),
  "half a prefix": (stream) => reply(stream, { body: whole.subarray(0, 3), trailer: ok }),
  "a message that is none": (stream) => reply(stream, { body: frame(Buffer.from([255, 1])), trailer: ok }),
  "a message and no status": (stream) => reply(stream, { body: whole, trailer: { "x-two": "2" } }),
  "a message and an error": (stream) => reply(stream, { body: whole, trailer: notFound }),
  "a message and a status in its headers": (stream) => reply(stream, { header: notFound, body: whole }),
  "an error": (stream) => reply(stream, { trailer: { ...notFound, "x-two": "2" } }),
  "an error in its headers alone": (stream) => reply(stream, { header: { ...notFound, "x-one": "1" } }),
  "an error with details": (stream) =>
    reply(stream, { trailer: { ...notFound, "grpc-status-details-bin": details } }),
  "an error with a status that is none": (stream) => reply(stream, { trailer: { "grpc-status": "many" } }),
  "an error whose code nobody knows": (stream) => reply(stream, { trailer: { "grpc-status": "77" } }),
  "an OK that is one in its headers alone": (stream) => reply(stream, { header: ok }),
  "a page of a proxy": (stream) =>
    reply(stream, { header: { ":status": 503, "content-type": "text/html" }, body: Buffer.from("<h1>") }),
  "an HTTP status that means nothing": (stream) => reply(stream, { header: { ":status": 418 } }),
  "JSON where gRPC was asked for": (stream) =>
    reply(stream, { header: { "content-type": "application/json" }, body: Buffer.from("{}") }),
  "a message larger than the limit": (stream) =>
    reply(stream, { body: frame(Buffer.alloc(bodyLimit + 1)), trailer: ok }),
};

/** The table "Errors" of gRPC over HTTP/2; Connect's transport takes most of them for INTERNAL. */
const resets = [
  ["NO_ERROR", 0, Code.Internal],
  ["PROTOCOL_ERROR", 1, Code.Internal],
  ["INTERNAL_ERROR", 2, Code.Internal],
  ["FLOW_CONTROL_ERROR", 3, Code.Internal],
  ["REFUSED_STREAM", 7, Code.Unavailable],
  ["CANCEL", 8, Code.Canceled],
  ["ENHANCE_YOUR_CALM", 11, Code.ResourceExhausted],
  ["INADEQUATE_SECURITY", 12, Code.PermissionDenied],
  ["a code that nobody knows", 99, Code.Internal],
] as const;

/** What a call comes to, as far as anybody may depend on it. */
async function outcome(unary: Transport["unary"], signal?: AbortSignal, timeoutMs?: number) {
  try {
    const { message, header, trailer } = await unary(getAgent, signal, timeoutMs, undefined, { id: "7" });
    return { name: message.agent?.name, header: entries(header), trailer: entries(trailer) };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const { code, rawMessage, details, metadata } = error;
    return { code: Code[code], rawMessage, details, metadata: entries(metadata) };
  }
}

function entries(headers: Headers) {
  return [...headers].filter(([name]) => name !== "date");
}

describe.each(http2ClientNames)("with the %s client,", (client) => {
  const clientOf = clientsOf(client);

  describe("an answer of", () => {
    it.each(Object.keys(answers))("%s comes to what Connect's transport makes of it", async (name) => {
      const { url } = await scriptedServer(answers[name]!);
      const limits = { readMaxBytes: bodyLimit, writeMaxBytes: bodyLimit };
      const connect = createGrpcTransport({ baseUrl: url, ...limits });
      const ours = asTransportUnary(clientOf(url, { bodyLimit }).call);
      expect(await outcome(ours)).toEqual(await outcome(connect.unary));
    });

    it("more than the limit is refused before it has come", async () => {
      const { url } = await scriptedServer((stream) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write(Buffer.from([0, 0x10, 0, 0, 0, 1]));
      });
      const refused = await outcome(asTransportUnary(clientOf(url, { bodyLimit }).call));
      expect(refused).toMatchObject({ code: "ResourceExhausted" });
    });

    it("more than any window comes whole", async () => {
      const name = "a".repeat(5_000_000);
      const { url } = await scriptedServer((stream) => answerWith(stream, name));
      const { message } = await clientOf(url).call(getAgent, { id: "7" }, {});
      expect((message as { agent?: { name: string } }).agent?.name).toBe(name);
    });
  });

  describe("a reset with", () => {
    it.each(resets)("%s is what gRPC says of it", async (_, rstCode, named) => {
      // node:http2 does not tell a reset without an error from a connection that was cut.
      const code = client === "node" && rstCode === 0 ? Code.Unavailable : named;
      const { url } = await scriptedServer((stream) => stream.close(rstCode));
      expect(await outcome(asTransportUnary(clientOf(url).call))).toMatchObject({ code: Code[code] });
    });
  });

  describe("a request", () => {
    it("carries the caller's headers, the time that is left, and nothing that the protocol says itself", async () => {
      const { url, calls } = await scriptedServer((stream) => answerWith(stream, "ada"));
      const header = new Headers({ "x-one": "1", te: "gzip", "content-type": "text/plain" });
      const { call } = clientOf(url);
      await call(getAgent, { id: "7" }, { header, timeoutMs: 1500 });
      await call(getAgent, { id: "7" }, { header: [["X-Two", "2"]], timeoutMs: 1e12 });
      await call(getAgent, { id: "7" }, { header: { "x-three": "3" } });
      const [first, second, third] = calls.map(({ headers }) => headers);
      expect(first).toMatchObject({
        ":path": "/consciousness.agents.v1.AgentsService/GetAgent",
        "content-type": "application/grpc+proto",
        "grpc-timeout": "1500m",
        te: "trailers",
        "x-one": "1",
      });
      expect(second).toMatchObject({ "x-two": "2", "grpc-timeout": "99999999S" });
      expect(third).toMatchObject({ "x-three": "3" });
      expect(third).not.toHaveProperty("grpc-timeout");
    });

    it("larger than the limit does not leave", async () => {
      const { url, calls } = await scriptedServer((stream) => answerWith(stream, "ada"));
      const answer = clientOf(url, { bodyLimit: 10 }).call(getAgent, { id: "a".repeat(20) }, {});
      await expect(answer.then(() => "taken")).rejects.toMatchObject({ code: Code.ResourceExhausted });
      expect(calls).toEqual([]);
    });

    it("with a header that HTTP/2 forbids fails alone", async () => {
      const { url, sessions } = await scriptedServer((stream) => answerWith(stream, "ada"));
      const { call } = clientOf(url);
      await call(getAgent, { id: "7" }, {});
      const forbidden = call(getAgent, { id: "7" }, { header: { connection: "close" } });
      await expect(forbidden.then(() => "taken")).rejects.toMatchObject({ code: Code.Internal });
      await call(getAgent, { id: "7" }, {});
      expect(sessions).toHaveLength(1);
    });

    it("larger than any window arrives whole", async () => {
      const { url, calls } = await scriptedServer((stream) => answerWith(stream, "ada"));
      await clientOf(url).call(getAgent, { id: "a".repeat(3_000_000) }, {});
      expect(calls[0]?.body.length).toBeGreaterThan(3_000_000);
    });
  });
});
