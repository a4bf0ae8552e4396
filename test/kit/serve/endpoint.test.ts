import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  AuthService,
  GetJwksRequestSchema,
  GetJwksResponseSchema,
} from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { arrivalKey } from "../../../services/kit/chain/arrival.js";
import { checkCaller } from "../../../services/kit/chain/caller.js";
import { type Layer, planChain } from "../../../services/kit/chain/chain.js";
import { deadline } from "../../../services/kit/chain/deadline.js";
import { workloadOfCertificate } from "../../../services/kit/chain/mesh-identity.js";
import { observe } from "../../../services/kit/chain/observe.js";
import { translateErrors } from "../../../services/kit/chain/translate-errors.js";
import { validate } from "../../../services/kit/chain/validate.js";
import { systemClock } from "../../../services/kit/clock.js";
import { resolveContract } from "../../../services/kit/contract/method.js";
import { operatorMethods } from "../../../services/kit/contract/operator-services.js";
import { errorFacts } from "../../../services/kit/errors.js";
import type { ArrivalTrust } from "../../../services/kit/serve/arrivals.js";
import { createEndpoint, type RestHandler } from "../../../services/kit/serve/endpoint.js";
import { listen } from "../../../services/kit/serve/listen.js";
import type { Pace } from "../../../services/kit/serve/pace.js";
import { defaultRequestLimits } from "../../../services/kit/serve/request-limits.js";
import { implement } from "../../../services/kit/workload.js";
import { eventually } from "../../support/until.js";
import { recordedLog, recordedMetrics } from "../chain/calls.js";
import { rawConnection } from "./clients.js";
import { connectionPreface, emptySettings, endHeaders, frame, framesIn, headerBlock } from "./frames.js";

const jwks = "/consciousness.auth.v1.AuthService/GetJwks";
const login = "/consciousness.auth.v1.AuthService/Login";
const bodyLimit = 4096;
const key = { kid: "k1" };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Given {
  readonly rest?: RestHandler;
  readonly trust?: Partial<ArrivalTrust>;
  readonly getJwks?: () => unknown;
  readonly watch?: () => AsyncGenerator<object>;
  readonly pace?: Pace;
}

describe.each([
  ["by the unary path", true],
  ["by Connect alone", false],
] as const)("served %s", (_path, fastPath) => {
  /** A port that serves auth and health with stand-ins, under the layers that a process has. */
  async function serve({ rest, trust, getJwks, watch, pace }: Given = {}) {
    const { log, lines } = recordedLog();
    const { metrics, matching } = recordedMetrics();
    const passed: string[] = [];
    const noting: Layer = (contract) => (next) => (request) => {
      passed.push(contract.name);
      return next(request);
    };
    const layers: Layer[] = [
      observe({ workload: Workload.AUTH, log, metrics, clock: systemClock, trustRequestId: false }),
      translateErrors,
      deadline({ clock: systemClock }),
      checkCaller(({ contextValues }) => {
        const identity = contextValues.get(arrivalKey)?.meshIdentity;
        return identity === undefined ? Workload.GATEWAY : workloadOfCertificate(identity);
      }),
      noting,
      validate(),
    ];
    const unused = () => {
      throw new Error("unused");
    };
    const auth = {
      login: () => ({}),
      refresh: unused,
      logout: unused,
      getProfile: unused,
      exchangeToken: unused,
      listRevocations: unused,
    };
    const handlers = { ...auth, getJwks: (getJwks ?? (() => ({ keys: [key] }))) as () => object };
    const health = { check: () => ({}), list: () => ({}), watch: watch ?? async function* () {} };
    const listener = await listen({
      host: "127.0.0.1",
      port: 0,
      handler: createEndpoint({
        implementations: [implement(AuthService, handlers), implement(Health, health)],
        plans: planChain(new Map([...resolveContract([AuthService]).methods, ...operatorMethods()]), layers),
        fastPath,
        rest: rest ?? (async (_, response) => void response.writeHead(404).end()),
        trust: { proxyHops: 0, mesh: false, internal: false, ...trust },
        limits: { ...defaultRequestLimits, bodyBytes: bodyLimit },
        ...(pace === undefined ? {} : { pace }),
        log,
        metrics,
      }),
    });
    closers.push(() => listener.drain(0));
    const address = `127.0.0.1:${listener.port}`;
    const post = (path: string, init: { headers?: Record<string, string>; body?: string } = {}) =>
      fetch(`http://${address}${path}`, {
        method: "POST",
        body: init.body ?? "{}",
        headers: { "content-type": "application/json", connection: "close", ...init.headers },
      });
    // A line is written when the response has closed, which the client may see first.
    const settled = () => eventually(() => expect(lines).not.toHaveLength(0));
    return { address, baseUrl: `http://${address}`, post, lines, matching, passed, settled };
  }

  function callWithGrpcJs(address: string, path: string) {
    const client = new Client(address, credentials.createInsecure());
    closers.push(() => client.close());
    return new Promise<string[]>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        (request: object) =>
          Buffer.from(toBinary(GetJwksRequestSchema, create(GetJwksRequestSchema, request))),
        (bytes) => fromBinary(GetJwksResponseSchema, bytes),
        {},
        (error, reply) => (error ? reject(error) : resolve(reply?.keys.map(({ kid }) => kid) ?? [])),
      );
    });
  }

  describe("every protocol", () => {
    const transports: [string, (baseUrl: string) => Transport][] = [
      ["Connect binary", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
      [
        "Connect JSON over HTTP/1.1",
        (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
      ],
      ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
      ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
    ];

    it.each(transports)("reaches the same handler through the same chain: %s", async (_, transport) => {
      const { baseUrl, lines, passed, settled } = await serve();
      const { keys } = await createClient(AuthService, transport(baseUrl)).getJwks({});
      expect(keys.map(({ kid }) => kid)).toEqual(["k1"]);
      expect(passed).toEqual(["consciousness.auth.v1.AuthService/GetJwks"]);
      await settled();
      expect(lines.map(({ message, metadata }) => [message, metadata.code])).toEqual([["call served", "ok"]]);
    });

    it("reaches it from @grpc/grpc-js", async () => {
      const { address, passed } = await serve();
      expect(await callWithGrpcJs(address, jwks)).toEqual(["k1"]);
      expect(passed).toHaveLength(1);
    });

    it.each(transports)("gives code and reason of a refusal: %s", async (_, transport) => {
      const { baseUrl } = await serve();
      const client = createClient(AuthService, transport(baseUrl));
      const error = await client.login({}).catch((thrown) => ConnectError.from(thrown));
      if (!(error instanceof ConnectError)) throw new Error("the call was served");
      expect([error.code, errorFacts(error)?.reason]).toEqual([Code.InvalidArgument, "VALIDATION_FAILED"]);
    });
  });

  describe("what never reaches the chain", () => {
    it.each([
      ["malformed JSON", { body: "{" }, 400, "BODY_MALFORMED"],
      [
        "a body over the limit",
        { body: JSON.stringify({ username: "x".repeat(bodyLimit) }) },
        429,
        "BODY_TOO_LARGE",
      ],
      ["an unknown field's wrong type", { body: '{"username": 7}' }, 400, "BODY_MALFORMED"],
      ["another content type", { headers: { "content-type": "text/plain" } }, 415, "PROTOCOL"],
      ["a malformed timeout", { headers: { "connect-timeout-ms": "soon" } }, 400, "PARAMETER_INVALID"],
    ] as [string, { body?: string; headers?: Record<string, string> }, number, string][])(
      "%s leaves one line and a count",
      async (_, init, status, reason) => {
        const { post, lines, matching, passed, settled } = await serve();
        const response = await post(login, {
          ...init,
          headers: { "x-request-id": "client-1", ...init.headers },
        });
        expect(response.status).toBe(status);
        await settled();
        expect(passed).toEqual([]);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatchObject({
          level: "info",
          message: "request rejected",
          correlation_id: "client-1",
          metadata: { http_method: "POST", path: login, status, request_id: expect.any(String) },
        });
        expect(await matching("http_rejected_total")).toEqual([
          `http_rejected_total{status="${status}",reason="${fastPath ? reason : "PROTOCOL"}"} 1`,
        ]);
      },
    );

    it("is cut off when its body stalls over HTTP/2", async () => {
      const { baseUrl, lines, settled } = await serve({ pace: { windowMs: 50, leastBytes: 10 } });
      const session = connectHttp2(baseUrl);
      closers.push(() => session.destroy());
      const stream = session.request({
        ":method": "POST",
        ":path": login,
        "content-type": "application/json",
        "content-length": "100",
      });
      stream.write("{");
      await once(stream, "close");
      await settled();
      expect(lines[0]?.metadata.reason).toBe("BODY_TIMEOUT");
    });

    it.each([
      ["application/json", '{"username":"a","password":"b"}'],
      ["application/grpc", "\0\0\0\0\0"],
    ])("is never called with the half of a body that its client took back: %s", async (type, half) => {
      const { address, passed, lines, settled } = await serve();
      const { socket, received } = rawConnection({ port: Number(address.split(":")[1]) });
      closers.push(() => void socket.destroy());
      const fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": login,
        ":authority": "h",
        te: "trailers",
      };
      const block = headerBlock([...Object.entries(fields), ["content-type", type]]);
      // What arrived could be a whole message, and NO_ERROR sounds as if it were.
      const frames = [
        Buffer.concat([connectionPreface, emptySettings, frame("HEADERS", endHeaders, 1, block)]),
        frame("DATA", 0, 1, Buffer.from(half, "latin1")),
        frame("RST_STREAM", 0, 1, [0, 0, 0, 0]),
      ];
      for (const [index, bytes] of frames.entries()) {
        socket.write(Buffer.concat([bytes, frame("PING", 0, 0, new Uint8Array(8))]));
        const answered = () => framesIn(received()).filter((one) => one.type === "PING").length > index;
        await eventually(() => expect(answered()).toBe(true));
      }
      await settled();
      expect(lines[0]?.message).toBe("request rejected");
      expect(passed).toEqual([]);
    });

    it("is logged without the query, which may hold what users wrote", async () => {
      const { post, lines, settled } = await serve();
      await post("/somewhere?password=hunter2");
      await settled();
      expect(lines[0]?.metadata.path).toBe("/somewhere");
    });
  });

  describe("an unknown method", () => {
    it("is UNIMPLEMENTED over gRPC, in trailers alone, and logged once", async () => {
      const { address, lines, settled } = await serve();
      const error: ServiceError = await callWithGrpcJs(
        address,
        "/consciousness.auth.v1.AuthService/Nope",
      ).then(
        () => {
          throw new Error("it was served");
        },
        (thrown) => thrown,
      );
      expect(error.code).toBe(status.UNIMPLEMENTED);
      expect(error.details).toMatch(/^This server has no method consciousness.auth.v1.AuthService/);
      await settled();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ message: "request rejected", metadata: { reason: "METHOD_UNKNOWN" } });
    });

    it.each(["application/grpc", "application/grpc-web+proto"])("carries our reason for %s", async (type) => {
      const { post } = await serve();
      const response = await post("/no.Service/Method", { headers: { "content-type": type } });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe(type);
      expect(response.headers.get("grpc-status")).toBe("12");
      expect(
        Buffer.from(response.headers.get("grpc-status-details-bin") ?? "", "base64").toString(),
      ).toContain("METHOD_UNKNOWN");
      expect(await response.text()).toBe("");
    });
  });

  describe("REST", () => {
    it("answers every other path, and knows how the request arrived", async () => {
      const rest = vi.fn<RestHandler>(async (_, response, arrival) => {
        arrival.rejection = "ROUTE_NOT_FOUND";
        response.writeHead(404).end("nothing here");
      });
      const { post, lines, settled } = await serve({ rest });
      const response = await post("/api/v1/nothing");
      expect([response.status, await response.text()]).toEqual([404, "nothing here"]);
      expect(rest.mock.calls[0]?.[2].clientAddress).toBe("127.0.0.1");
      await settled();
      expect(lines[0]?.metadata.reason).toBe("ROUTE_NOT_FOUND");
    });

    it("that fails is answered and logged with its cause, and the process goes on", async () => {
      const rest: RestHandler = () => Promise.reject(new Error("a bug"));
      const { post, lines } = await serve({ rest });
      const response = await post("/api/v1/agents");
      expect([response.status, await response.text()]).toEqual([500, ""]);
      expect(lines[0]).toMatchObject({ level: "error", metadata: { error_message: "a bug" } });
      expect((await post(jwks)).status).toBe(200);
    });
  });

  describe("deadlines on the wire", () => {
    const never = () => new Promise(() => undefined);

    it("are kept for a handler that ignores its signal", async () => {
      const { post } = await serve({ getJwks: never });
      const response = await post(jwks, { headers: { "connect-timeout-ms": "50" } });
      expect(response.status).toBe(504);
      expect(await response.text()).toContain("DEADLINE_EXCEEDED");
    });

    it.each([
      ["connect-timeout-ms", "9999999999"],
      ["connect-timeout-ms", "2147483648"],
    ])("do not end at once when %s asks for %s", async (name, value) => {
      const getJwks = vi.fn(async (_request: unknown, { signal }: { signal: AbortSignal }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        signal.throwIfAborted();
        return {};
      });
      const { post } = await serve({ getJwks: getJwks as never });
      expect((await post(jwks, { headers: { [name]: value } })).status).toBe(200);
    });
  });

  describe("a stream on the wire", () => {
    it("that fails after its first message leaves one line, a failure", async () => {
      const { baseUrl, lines, settled } = await serve({
        watch: async function* () {
          yield {};
          throw new Error("late");
        },
      });
      const client = createClient(Health, createGrpcTransport({ baseUrl }));
      const read = async () => {
        for await (const _ of client.watch({}));
      };
      const error = await read().catch((thrown) => ConnectError.from(thrown));
      expect(error && [error.code, errorFacts(error)?.reason]).toEqual([Code.Internal, "INTERNAL"]);
      await settled();
      expect(lines.map(({ metadata }) => metadata.error_message)).toEqual(["late"]);
    });

    it("that nobody reads any more is over", async () => {
      const { baseUrl, lines, settled, matching } = await serve({
        watch: async function* () {
          for (;;) {
            yield {};
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
      });
      const client = createClient(Health, createGrpcTransport({ baseUrl }));
      const reader = new AbortController();
      const read = async () => {
        for await (const _ of client.watch({}, { signal: reader.signal })) reader.abort();
      };
      await expect(read()).rejects.toThrow();
      await settled();
      expect(lines.map(({ metadata }) => metadata.code)).toEqual(["canceled"]);
      expect(await matching("rpc_server_in_flight")).toEqual(['rpc_server_in_flight{workload="auth"} 0']);
    });
  });

  describe("a forwarded certificate", () => {
    const element = (account: string) =>
      `By=spiffe://d/ns/n/sa/auth;Hash=1;URI=spiffe://d/ns/n/sa/${account}`;
    const asked = async (trust: Partial<ArrivalTrust>, value: string) => {
      const { post } = await serve({ trust });
      return (await post(jwks, { headers: { "x-forwarded-client-cert": value } })).json();
    };

    it("decides in a mesh, by its last element", async () => {
      expect(await asked({ mesh: true }, `${element("nobody")},${element("engine")}`)).toEqual({
        keys: [key],
      });
      expect(await asked({ mesh: true }, `${element("engine")},${element("nobody")}`)).toMatchObject({
        code: "permission_denied",
        details: [{ debug: { reason: "CALLER_NOT_ALLOWED" } }],
      });
    });

    it("decides nothing outside of one", async () => {
      expect(await asked({}, element("nobody"))).toEqual({ keys: [key] });
    });
  });
});
