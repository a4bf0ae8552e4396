import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { TranscodedReply } from "../../../services/gateway/transcode/call.js";
import { errors } from "../../../services/kit/errors.js";
import { messageOf, type ServeOptions, serve } from "./fixture.js";

const everything = messageOf("Everything");

const replying =
  (
    fields: Record<string, unknown>,
    header: Record<string, string> = {},
    trailer: Record<string, string> = {},
  ): ServeOptions["call"] =>
  async (): Promise<TranscodedReply> => ({
    message: create(everything, fields as MessageInitShape<typeof everything>),
    header: new Headers(header),
    trailer: new Headers(trailer),
  });

const failing =
  (error: unknown): ServeOptions["call"] =>
  async () =>
    Promise.reject(error);

describe("replies", () => {
  it("R28: have proto field names, every implicit field, and absent what is absent", async () => {
    const shelf = { name: "s", size: 9007199254740993n };
    const server = await serve({
      call: replying({ displayName: "a", shelf, counts: { x: 1n }, blob: new Uint8Array([255]) }),
    });
    const answer = await server.send("GET", "/v1/everything");
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.json).toEqual({
      text: "",
      small: 0,
      big: "0",
      natural: "0",
      flag: false,
      ratio: 0,
      single: 0,
      blob: "/w==",
      colour: "COLOUR_UNSPECIFIED",
      tags: [],
      numbers: [],
      colours: [],
      shelves: [],
      labels: {},
      bigs: [],
      counts: { x: "1" },
      shelf: { name: "s", theme: "", size: "9007199254740993" },
      display_name: "a",
      positive: 0,
    });
  });

  it.each([
    ["a message", "PUT", "/v1/shelf/x", { shelf: { name: "s" } }, '{"name":"s","theme":"","size":"0"}'],
    ["an absent message", "PUT", "/v1/shelf/x", {}, "null"],
    ["a list", "POST", "/v1/tags", { tags: ["a", "b"] }, '["a","b"]'],
    ["an empty list", "POST", "/v1/tags", {}, "[]"],
    ["messages", "POST", "/v1/shelves", { shelves: [{ size: 1n }] }, '[{"name":"","theme":"","size":"1"}]'],
    ["64 bits", "POST", "/v1/big", { big: 9007199254740993n }, '"9007199254740993"'],
    ["a list of 64 bits", "POST", "/v1/bigs", { bigs: [1n] }, '["1"]'],
    ["a map", "POST", "/v1/counts", { counts: { a: 1n } }, '{"a":"1"}'],
    ["an empty map", "POST", "/v1/counts", {}, "{}"],
    ["an enum", "POST", "/v1/colour", { colour: 1 }, '"COLOUR_RED"'],
    ["an enum's zero", "POST", "/v1/colour", {}, '"COLOUR_UNSPECIFIED"'],
    ["an optional scalar", "POST", "/v1/maybe", { maybe: "" }, '""'],
    ["an absent scalar", "POST", "/v1/maybe", {}, "null"],
    ["a timestamp", "POST", "/v1/at", { at: { seconds: 1n } }, '"1970-01-01T00:00:01Z"'],
  ])("R27: response_body of %s", async (_, method, target, fields, text) => {
    const answer = await (await serve({ call: replying(fields) })).send(method, target);
    expect([answer.status, answer.text]).toEqual([200, text]);
  });

  it("carry the method's headers and trailers, but none about the hop, the body or the protocol", async () => {
    const header = {
      etag: '"1"',
      "set-cookie": "a=1",
      "content-length": "3",
      "content-type": "x/y",
      connection: "x",
      "grpc-status": "0",
      "x-request-id": "forged",
    };
    const server = await serve({ call: replying({}, header, { "x-cost": "7", etag: "late" }) });
    const { headers, status } = await server.send("GET", "/v1/everything");
    expect(status).toBe(200);
    expect(headers.get("etag")).toBe('"1"');
    expect(headers.get("x-cost")).toBe("7");
    expect(headers.get("set-cookie")).toBe("a=1");
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("grpc-status")).toBeNull();
    expect(headers.get("x-request-id")).toBe("r1");
  });

  it("that cannot be printed are failures of ours", async () => {
    const detail = { typeUrl: "type.googleapis.com/unknown.Type", value: new Uint8Array() };
    const server = await serve({ call: replying({ detail }) });
    expect((await server.send("GET", "/v1/everything")).json).toMatchObject({
      status: 500,
      reason: "INTERNAL",
    });
    expect(server.failures).toHaveLength(1);
    expect(server.rejections).toEqual([]);
  });
});

describe("metadata", () => {
  it("R34: has the caller's headers but none of the hop, the body, the target or the protocol", async () => {
    const server = await serve();
    await server.send("POST", "/v1/everything", {
      body: "{}",
      headers: {
        authorization: "Bearer t",
        "if-match": '"1"',
        "x-custom-bin": "AA==",
        traceparent: "00-1",
        "content-type": "application/json",
        te: "trailers",
        "grpc-timeout": "1S",
        "connect-protocol-version": "1",
        connection: "close, x-hop",
        "x-hop": "1",
        "proxy-authorization": "secret",
        "accept-encoding": "gzip",
        "x-timeout-ms": "5",
      },
    });
    const header = server.seen[0]?.call.header ?? new Headers();
    expect(Object.fromEntries(header)).toEqual({
      authorization: "Bearer t",
      "if-match": '"1"',
      "x-custom-bin": "AA==",
      traceparent: "00-1",
    });
  });

  it.each([
    [{ "x-timeout-ms": "250", "grpc-timeout": "1S" }, 250],
    [{ "connect-timeout-ms": "300" }, 300],
    [{ "grpc-timeout": "2S" }, 2000],
    [{ "grpc-timeout": "5m" }, 5],
    [{ "grpc-timeout": "1H" }, 3_600_000],
    [{ "grpc-timeout": "1M" }, 60_000],
    [{ "grpc-timeout": "1u" }, 1],
    [{ "grpc-timeout": "99999999n" }, 100],
    [{}, undefined],
  ])("R34: reads the deadline of %j as %s ms", async (headers, timeoutMs) => {
    const server = await serve();
    await server.send("GET", "/v1/everything", { headers: headers as Record<string, string> });
    expect(server.seen.map(({ call }) => call.timeoutMs)).toEqual([timeoutMs]);
  });

  it.each([
    ["x-timeout-ms", "soon", "must be a whole number of milliseconds"],
    ["x-timeout-ms", "-1", "must be a whole number of milliseconds"],
    ["connect-timeout-ms", "12345678901", "must be a whole number of milliseconds"],
    ["grpc-timeout", "1s", "must be a number with a unit, such as 500m"],
  ])("refuses %s: %s", async (name, value, problem) => {
    const server = await serve();
    const answer = await server.send("GET", "/v1/everything", { headers: { [name]: value } });
    expect(answer.json).toMatchObject({
      status: 400,
      reason: "PARAMETER_INVALID",
      detail: `${name}: ${problem}.`,
    });
    expect(server.rejections).toHaveLength(1);
  });
});

describe("errors", () => {
  it.each([
    [Code.Canceled, 499, "CANCELLED"],
    [Code.Unknown, 500, "UNKNOWN"],
    [Code.InvalidArgument, 400, "INVALID_ARGUMENT"],
    [Code.DeadlineExceeded, 504, "DEADLINE_EXCEEDED"],
    [Code.NotFound, 404, "NOT_FOUND"],
    [Code.AlreadyExists, 409, "ALREADY_EXISTS"],
    [Code.PermissionDenied, 403, "PERMISSION_DENIED"],
    [Code.ResourceExhausted, 429, "RESOURCE_EXHAUSTED"],
    [Code.FailedPrecondition, 400, "FAILED_PRECONDITION"],
    [Code.Aborted, 409, "ABORTED"],
    [Code.OutOfRange, 400, "OUT_OF_RANGE"],
    [Code.Unimplemented, 501, "UNIMPLEMENTED"],
    [Code.Internal, 500, "INTERNAL"],
    [Code.Unavailable, 503, "UNAVAILABLE"],
    [Code.DataLoss, 500, "DATA_LOSS"],
    [Code.Unauthenticated, 401, "UNAUTHENTICATED"],
  ])("R32: code %i is %i %s", async (code, status, name) => {
    const server = await serve({ call: failing(new ConnectError("why", code)) });
    const answer = await server.send("GET", "/v1/everything");
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.json).toMatchObject({
      type: "about:blank",
      status,
      code: name,
      detail: "why",
      request_id: "r1",
      details: [],
    });
    expect(server.rejections).toEqual([]);
    expect(server.failures).toEqual([]);
  });

  it("are problem documents with the catalogue's status, reason and details", async () => {
    const server = await serve({
      call: failing(errors.ethicalViolation({ rule_ids: "r.1", decision_id: "d" })),
    });
    const answer = await server.send("GET", "/v1/everything");
    expect(answer.headers.get("x-request-id")).toBe("r1");
    expect(answer.json).toEqual({
      type: "https://consciousness.ai/problems/ethical-violation",
      title: "Ethical violation",
      status: 422,
      detail: "Blocked by r.1. Decision d has the reasons.",
      code: "FAILED_PRECONDITION",
      reason: "ETHICAL_VIOLATION",
      request_id: "r1",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "ETHICAL_VIOLATION",
          domain: "consciousness.ai",
          metadata: { rule_ids: "r.1", decision_id: "d" },
        },
      ],
    });
  });

  it("keep foreign reasons and details, those unknown here as base64", async () => {
    const info = create(ErrorInfoSchema, { reason: "THEIRS", domain: "example.com" });
    const error = new ConnectError("no", Code.Aborted, undefined, [
      { desc: ErrorInfoSchema, value: info },
      { desc: BadRequestSchema, value: { fieldViolations: [{ field: "a", description: "b" }] } },
      { desc: DurationSchema, value: { seconds: 1n } },
    ]);
    error.details.push({ type: "unknown.Type", value: new Uint8Array([1, 2]) });
    error.details.push({
      type: "fixture.v1.Shelf",
      value: anyPack(messageOf("Shelf"), create(messageOf("Shelf"), { name: "x" } as never)).value,
    });
    const answer = await (await serve({ call: failing(error) })).send("GET", "/v1/everything");
    expect(answer.json).toMatchObject({
      type: "about:blank",
      reason: "THEIRS",
      title: "Theirs",
      details: [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "THEIRS", domain: "example.com" },
        {
          "@type": "type.googleapis.com/google.rpc.BadRequest",
          field_violations: [{ field: "a", description: "b" }],
        },
        { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" },
        { "@type": "type.googleapis.com/unknown.Type", value: "AQI=" },
        { "@type": "type.googleapis.com/fixture.v1.Shelf", name: "x" },
      ],
    });
  });

  it.each([
    ["RetryInfo", retryIn(2n, 1), "3"],
    ["a retryable 503", errors.overloaded({ workload: "engine", limit: 1 }), "1"],
    ["a retryable 429", errors.signInBusy(), "1"],
    ["a retryable 504", errors.deadlineExceeded({ deadline_ms: 1 }), null],
    ["nothing retryable", errors.agentNotFound({ id: "a" }), null],
  ])("say when to retry after %s", async (_, error, seconds) => {
    const answer = await (await serve({ call: failing(error) })).send("GET", "/v1/everything");
    expect(answer.headers.get("retry-after")).toBe(seconds);
  });

  it.each([
    [errors.credentialsMissing(), "Bearer"],
    [errors.tokenExpired(), 'Bearer error="invalid_token"'],
    [errors.permissionMissing({ permission: "x" }), null],
  ])("say how to authenticate: %s", async (error, value) => {
    const answer = await (await serve({ call: failing(error) })).send("GET", "/v1/everything");
    expect(answer.headers.get("www-authenticate")).toBe(value);
  });

  it("carry their metadata as headers", async () => {
    const error = new ConnectError("x", Code.Aborted, { "x-cost": "3", "content-length": "99" });
    const answer = await (await serve({ call: failing(error) })).send("GET", "/v1/everything");
    expect(answer.headers.get("x-cost")).toBe("3");
    expect(answer.json).toMatchObject({ code: "ABORTED" });
  });

  it("that nobody meant are internal, and their cause stays here", async () => {
    const failure = new TypeError("password=hunter2");
    const server = await serve({ call: failing(failure) });
    const answer = await server.send("GET", "/v1/everything");
    expect(answer.json).toMatchObject({ status: 500, code: "INTERNAL", reason: "INTERNAL" });
    expect(answer.text).not.toContain("hunter2");
    expect(server.failures).toEqual([failure]);
    expect(server.rejections).toEqual([]);
  });

  it("have no body for HEAD", async () => {
    const answer = await (await serve({ call: failing(errors.agentNotFound({ id: "a" })) })).send(
      "HEAD",
      "/v1/everything",
    );
    expect([answer.status, answer.text]).toEqual([404, ""]);
  });
});

function retryIn(seconds: bigint, nanos: number): ConnectError {
  return new ConnectError("later", Code.ResourceExhausted, undefined, [
    { desc: RetryInfoSchema, value: { retryDelay: { seconds, nanos } } },
  ]);
}
