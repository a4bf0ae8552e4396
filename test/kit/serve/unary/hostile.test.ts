import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
} from "#gen/ts/grpc/health/v1/health_pb.js";
import { planChain } from "../../../../services/kit/chain/chain.js";
import { observe } from "../../../../services/kit/chain/observe.js";
import { systemClock } from "../../../../services/kit/clock.js";
import { operatorMethods } from "../../../../services/kit/contract/operator-services.js";
import { createEndpoint } from "../../../../services/kit/serve/endpoint.js";
import { listen } from "../../../../services/kit/serve/listen.js";
import { defaultRequestLimits } from "../../../../services/kit/serve/request-limits.js";
import { implement } from "../../../../services/kit/workload.js";
import { eventually } from "../../../support/until.js";
import { recordedLog, recordedMetrics } from "../../chain/calls.js";

const limit = 1024;
const path = "/grpc.health.v1.Health/Check";
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Check = (request: { service: string }, context: Context) => unknown;
interface Context {
  readonly signal: AbortSignal;
  readonly requestHeader: Headers;
  readonly responseHeader: Headers;
  readonly responseTrailer: Headers;
  timeoutMs(): number | undefined;
}

const serving: Check = () => ({ status: HealthCheckResponse_ServingStatus.SERVING });

/** A port whose Check is the handler, and a session to it. */
async function serve(check: Check = serving) {
  const { log, lines } = recordedLog();
  const { metrics } = recordedMetrics();
  const layer = observe({ workload: Workload.AUTH, log, metrics, clock: systemClock, trustRequestId: false });
  const watch = async function* () {};
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: createEndpoint({
      implementations: [implement(Health, { check, list: () => ({}), watch } as never)],
      plans: planChain(operatorMethods(), [layer]),
      rest: async (_, response) => void response.writeHead(404).end(),
      trust: { proxyHops: 0, mesh: false, internal: false },
      limits: { ...defaultRequestLimits, bodyBytes: limit },
      pace: { windowMs: 50, leastBytes: 10 },
      log,
      metrics,
    }),
  });
  const baseUrl = `http://127.0.0.1:${listener.port}`;
  const session = connect(baseUrl).on("error", () => undefined);
  closers.push(
    () => listener.drain(0),
    () => session.destroy(),
  );
  const settled = () => eventually(() => expect(lines).not.toHaveLength(0));
  return { baseUrl, session, lines, settled };
}

const message = toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: "a" }));
const frameOf = (data: Uint8Array, flags = 0, length = data.length) => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, data]);
};

function open(session: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  const type = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  return session.request({ ...type, ...headers });
}

interface Answer {
  readonly headers: Record<string, unknown>;
  readonly trailers: Record<string, unknown>;
  readonly body: Buffer;
  /** gRPC's, wherever it stands. */
  readonly status: unknown;
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let headers: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    stream.on("response", (received) => {
      headers = received;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("error", reject).on("close", () => {
      const status = headers["grpc-status"] ?? trailers["grpc-status"];
      resolve({ headers, trailers, body: Buffer.concat(pieces), status });
    });
  });
}

const call = (session: ClientHttp2Session, body: Uint8Array, headers?: Record<string, string>) => {
  const stream = open(session, headers);
  stream.end(body);
  return answerOf(stream);
};

describe("gRPC on the stream", () => {
  it("carries metadata both ways, binary values and trailers too", async () => {
    const { session } = await serve((_, { requestHeader, responseHeader, responseTrailer }) => {
      responseHeader.set("x-seen", requestHeader.get("x-data-bin") ?? "");
      responseTrailer.set("x-end-bin", "AAEC");
      return {};
    });
    const { headers, trailers, body } = await call(session, frameOf(message), { "x-data-bin": "/wA" });
    expect(headers).toMatchObject({ ":status": 200, "content-type": "application/grpc", "x-seen": "/wA" });
    expect(trailers).toMatchObject({ "grpc-status": "0", "x-end-bin": "AAEC" });
    expect([...body]).toEqual([0, 0, 0, 0, 0]);
  });

  it("reads a message that comes byte by byte", async () => {
    const { session } = await serve(({ service }) => ({ status: service === "a" ? 1 : 2 }));
    const stream = open(session);
    const answer = answerOf(stream);
    for (const byte of frameOf(message)) {
      stream.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.end();
    expect([...(await answer).body]).toEqual([0, 0, 0, 0, 2, 8, 1]);
  });

  it.each([
    ["a length of 4 GiB", frameOf(message, 0, 0xffffffff), Code.ResourceExhausted],
    ["a message over the limit", frameOf(Buffer.alloc(limit + 1)), Code.ResourceExhausted],
    ["a truncated frame", frameOf(message, 0, 200), Code.InvalidArgument],
    ["bytes behind the message", Buffer.concat([frameOf(message), Buffer.from([7])]), Code.InvalidArgument],
    ["a second message", Buffer.concat([frameOf(message), frameOf(message)]), Code.Unimplemented],
    ["no message", Buffer.alloc(0), Code.Unimplemented],
    ["a compressed message without an encoding", frameOf(message, 1), Code.Internal],
    ["unknown flags", frameOf(message, 6), Code.Internal],
    ["what is no message", frameOf(Buffer.from([0xff, 0xff])), Code.InvalidArgument],
  ])("refuses %s, and logs it once", async (_, body, code) => {
    const { session, lines, settled } = await serve();
    expect((await call(session, body)).status).toBe(String(code));
    await settled();
    expect(lines.map((line) => line.message)).toEqual(["request rejected"]);
    expect((await call(session, frameOf(message))).status).toBe("0");
  });

  it.each([
    ["a malformed timeout", { "grpc-timeout": "1 hour" }, Code.InvalidArgument, undefined],
    ["an unknown compression", { "grpc-encoding": "snappy" }, Code.Unimplemented, "gzip,br"],
  ])("refuses %s", async (_, headers, code, accepted) => {
    const { session } = await serve();
    const answer = await call(session, frameOf(message), headers);
    expect([answer.status, answer.headers["grpc-accept-encoding"]]).toEqual([String(code), accepted]);
  });

  it("refuses an endless body before its end", async () => {
    const { session } = await serve();
    const stream = open(session);
    const answered = new Promise<unknown>((resolve) => stream.on("response", resolve));
    stream.on("error", () => undefined).resume();
    stream.write(Buffer.alloc(limit * 4));
    expect(await answered).toMatchObject({ "grpc-status": String(Code.ResourceExhausted) });
    stream.close(constants.NGHTTP2_CANCEL);
  });

  it("cuts off a body that stalls", async () => {
    const { session, lines, settled } = await serve();
    const stream = open(session).on("error", () => undefined);
    stream.write(Buffer.from([0]));
    await new Promise((resolve) => stream.on("close", resolve));
    await settled();
    expect(lines[0]?.metadata.reason).toBe("BODY_TIMEOUT");
  });

  it("tells the handler that its client went away", async () => {
    let reached: (signal: AbortSignal) => void;
    const called = new Promise<AbortSignal>((resolve) => {
      reached = resolve;
    });
    const { session } = await serve((_, { signal }) => {
      reached(signal);
      return new Promise(() => undefined);
    });
    const stream = open(session).on("error", () => undefined);
    stream.end(frameOf(message));
    const signal = await called;
    stream.close(constants.NGHTTP2_CANCEL);
    await eventually(() => expect(signal.aborted).toBe(true));
    expect((signal.reason as ConnectError).code).toBe(Code.Canceled);
  });

  it("keeps the caller's time where the contract bounds nothing", async () => {
    let left: number | undefined;
    const { session } = await serve((_, context) => {
      left = context.timeoutMs();
      return new Promise(() => undefined);
    });
    const { status, headers } = await call(session, frameOf(message), { "grpc-timeout": "40m" });
    expect(status).toBe(String(Code.DeadlineExceeded));
    expect(headers["grpc-status"]).toBeUndefined();
    expect(left).toBeGreaterThan(0);
  });

  it("encodes what an error says, and gives its headers a block of their own", async () => {
    const { session } = await serve((_, { responseHeader }) => {
      responseHeader.set("x-kept", "1");
      throw new ConnectError("100 % ä\n", Code.NotFound, { "x-error": "e" });
    });
    const { headers, trailers } = await call(session, frameOf(message));
    expect(headers["x-kept"]).toBe("1");
    expect(trailers).toMatchObject({
      "grpc-status": "5",
      "grpc-message": "100 %25 %C3%A4%0A",
      "x-error": "e",
    });
  });

  it("answers INTERNAL for a reply that cannot be written, and goes on", async () => {
    const { session } = await serve(({ service }) => (service === "a" ? { status: "x" } : {}));
    expect((await call(session, frameOf(message))).status).toBe(String(Code.Internal));
    expect((await call(session, frameOf(Buffer.alloc(0)))).status).toBe("0");
  });
});

describe("gRPC-Web in text", () => {
  it("is answered in text, trailers last", async () => {
    const { baseUrl } = await serve();
    const response = await fetch(baseUrl + path, {
      method: "POST",
      headers: { "content-type": "application/grpc-web-text" },
      body: frameOf(message).toString("base64"),
    });
    expect(response.headers.get("content-type")).toBe("application/grpc-web-text+proto");
    const body = Buffer.from(await response.text(), "base64");
    expect([...body.subarray(0, 7)]).toEqual([0, 0, 0, 0, 2, 8, 1]);
    expect(body[7]).toBe(0x80);
    expect(body.subarray(12).toString()).toBe("grpc-status: 0\r\n");
  });

  it("refuses what is no base64", async () => {
    const { baseUrl } = await serve();
    const headers = { "content-type": "application/grpc-web-text" };
    const response = await fetch(baseUrl + path, { method: "POST", headers, body: "*" });
    expect(Buffer.from(await response.text(), "base64").toString()).toContain("grpc-status: 3");
  });
});

describe("Connect", () => {
  it("puts trailers into headers, and cannot be made to lie about its body", async () => {
    const { baseUrl } = await serve((_, { responseHeader, responseTrailer }) => {
      responseHeader.set("content-length", "1");
      responseHeader.set("transfer-encoding", "chunked");
      responseTrailer.set("x-end", "2");
      return { status: 1 };
    });
    const headers = { "content-type": "application/json" };
    const response = await fetch(baseUrl + path, { method: "POST", headers, body: "{}" });
    expect(response.headers.get("trailer-x-end")).toBe("2");
    expect(await response.json()).toEqual({ status: "SERVING" });
  });

  it("refuses a body that was announced smaller than it is", async () => {
    const { baseUrl } = await serve();
    const headers = { "content-type": "application/proto" };
    const body = Buffer.alloc(limit + 1);
    const response = await fetch(baseUrl + path, { method: "POST", headers, body });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      429,
      "resource_exhausted",
    ]);
  });
});
