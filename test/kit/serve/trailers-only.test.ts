import { connect, constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { planChain } from "../../../services/kit/chain/chain.js";
import { operatorMethods } from "../../../services/kit/contract/operator-services.js";
import { createEndpoint } from "../../../services/kit/serve/endpoint.js";
import { listen } from "../../../services/kit/serve/listen.js";
import { defaultRequestLimits } from "../../../services/kit/serve/request-limits.js";
import { implement } from "../../../services/kit/workload.js";
import { recordedLog, recordedMetrics } from "../chain/calls.js";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Answer {
  readonly headers: Record<string, unknown>;
  readonly trailers: Record<string, unknown>;
  /** Whether the header block ended the stream. */
  readonly headersOnly: boolean;
  readonly bytes: number;
}

/** What a call of the health service answers, block by block. */
async function answerOf(method: "Check" | "Watch", handler: () => object): Promise<Answer> {
  const watch = async function* () {
    yield handler();
  };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: createEndpoint({
      implementations: [implement(Health, { check: handler, list: () => ({}), watch } as never)],
      plans: planChain(operatorMethods(), []),
      rest: async () => undefined,
      trust: { proxyHops: 0, mesh: false, internal: true },
      limits: { ...defaultRequestLimits, bodyBytes: 1024 },
      log: recordedLog().log,
      metrics: recordedMetrics().metrics,
    }),
  });
  const session = connect(`http://127.0.0.1:${listener.port}`);
  closers.push(
    () => listener.drain(0),
    () => session.destroy(),
  );
  const headers = { "content-type": "application/grpc", te: "trailers" };
  const stream = session.request({
    ":method": "POST",
    ":path": `/grpc.health.v1.Health/${method}`,
    ...headers,
  });
  stream.end(Buffer.alloc(5));
  return new Promise((resolve, reject) => {
    const answer = { headers: {}, trailers: {}, headersOnly: false, bytes: 0 };
    stream.on("response", (received, flags) => {
      answer.headers = received;
      answer.headersOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on("trailers", (received) => {
      answer.trailers = received;
    });
    stream.on("data", (chunk: Buffer) => {
      answer.bytes += chunk.length;
    });
    stream.on("error", reject).on("close", () => resolve(answer));
  });
}

const failing = (code: Code) => () => {
  throw new ConnectError("no", code);
};

describe("a gRPC error before any message", () => {
  it.each([Code.Unavailable, Code.Unauthenticated, Code.Internal])(
    "ends the stream with its headers: code %i",
    async (code) => {
      const { headers, trailers, headersOnly } = await answerOf("Check", failing(code));
      expect(headersOnly).toBe(true);
      expect(headers).toMatchObject({ ":status": 200, "grpc-status": String(code), "grpc-message": "no" });
      expect(headers["content-type"]).toMatch(/^application\/grpc/);
      expect(trailers).toEqual({});
    },
  );

  it("does so on a stream too", async () => {
    const { headers, headersOnly } = await answerOf("Watch", failing(Code.Unavailable));
    expect(headersOnly).toBe(true);
    expect(headers["grpc-status"]).toBe("14");
  });

  it("keeps an exceeded deadline out of the headers, by which proxies eject replicas", async () => {
    const { headers, trailers, headersOnly } = await answerOf("Check", failing(Code.DeadlineExceeded));
    expect(headersOnly).toBe(false);
    expect(headers["grpc-status"]).toBeUndefined();
    expect(trailers["grpc-status"]).toBe("4");
  });
});

it("leaves answers with a message as they are", async () => {
  const { headers, trailers, headersOnly, bytes } = await answerOf("Check", () => ({}));
  expect(headersOnly).toBe(false);
  expect(bytes).toBe(5);
  expect(headers["grpc-status"]).toBeUndefined();
  expect(trailers["grpc-status"]).toBe("0");
});
