import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { openaiForm } from "../../../services/gateway/transcode/openai-errors.js";
import { errors } from "../../../services/kit/errors.js";
import { messageOf, serve, streaming } from "./fixture.js";

const options = { errorForm: () => openaiForm };
const violation = () => errors.ethicalViolation({ rule_ids: "harm.explosives", decision_id: "d-1" });
const piece = (text: string, contentType: string) =>
  create(messageOf("google.api.HttpBody"), { contentType, data: Buffer.from(text) } as never);
const errorOf = (json: unknown) => (json as { error: Record<string, unknown> }).error;

describe("errors in OpenAI's form", () => {
  it("tell message, type, parameter and code, and lead to the log", async () => {
    const call = async () => {
      throw errors.chatRequestInvalid({ param: "messages[0].role", problem: "must be one" });
    };
    const answer = await (await serve({ call, options })).send("GET", "/v1/any/x");
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(errorOf(answer.json)).toEqual({
      message: "messages[0].role: must be one.",
      type: "invalid_request_error",
      param: "messages[0].role",
      code: "chat_request_invalid",
      request_id: answer.headers.get("x-request-id"),
    });
  });

  it("say content_filter with 400 for a block, which no client repeats, and name the decision", async () => {
    const call = async () => {
      throw violation();
    };
    const answer = await (await serve({ call, options })).send("GET", "/v1/any/x");
    expect(answer.status).toBe(400);
    expect(answer.headers.get("x-decision-id")).toBe("d-1");
    expect(errorOf(answer.json)).toMatchObject({ code: "content_filter", param: null, decision_id: "d-1" });
    const plain = await (await serve({ call })).send("GET", "/v1/any/x");
    expect(plain.status).toBe(422);
  });

  it.each([
    [errors.credentialsMissing(), 401, "invalid_request_error", "invalid_api_key"],
    [errors.tokenExpired(), 401, "invalid_request_error", "invalid_api_key"],
    [errors.tokenRevoked(), 401, "invalid_request_error", "invalid_api_key"],
    [errors.apiKeyInvalid(), 401, "invalid_request_error", "invalid_api_key"],
    [errors.agentNotFound({ id: "a" }), 404, "invalid_request_error", "model_not_found"],
    [errors.quotaExhausted({ limit: 1, retry_seconds: 2 }), 429, "insufficient_quota", "insufficient_quota"],
    [
      errors.rateLimited({ limit: 1, window_seconds: 60, retry_seconds: 2 }),
      429,
      "requests",
      "rate_limit_exceeded",
    ],
    [errors.dependencyUnavailable({ dependency: "engine" }), 503, "server_error", "dependency_unavailable"],
    [errors.internal(new Error("private")), 500, "server_error", "internal"],
  ])("have the codes that clients know: %s", async (error, status, type, code) => {
    const call = async () => {
      throw error;
    };
    const answer = await (await serve({ call, options })).send("GET", "/v1/any/x");
    expect(answer.status).toBe(status);
    expect(errorOf(answer.json)).toMatchObject({ type, code });
    expect(answer.text).not.toContain("private");
  });

  it("are told too before the method is called: of another method, a body too large, a bad query", async () => {
    const server = await serve({ options: { ...options, limits: { bodyBytes: 10 } } });
    expect(errorOf((await server.send("TRACE", "/v1/raw")).json)).toMatchObject({
      code: "method_not_allowed",
    });
    const large = await server.send("POST", "/v1/raw", { body: "x".repeat(11) });
    expect([large.status, errorOf(large.json).code]).toEqual([413, "body_too_large"]);
    const bad = await server.send("GET", "/v1/export/x?nope=1");
    expect([bad.status, errorOf(bad.json).type]).toEqual([400, "invalid_request_error"]);
  });

  it("state the rate in the headers that clients read, by the counter that decided", async () => {
    const header = {
      ratelimit: '"burst";r=7;t=30',
      "ratelimit-policy": '"quota";q=100;w=3600, "burst";q=10;w=60',
    };
    const stream = async () =>
      streaming(
        (async function* () {
          yield piece("{}", "application/json");
        })(),
        header,
      );
    const answer = await (await serve({ stream, options })).send("GET", "/v1/export/x");
    const stated = ["limit", "remaining", "reset"].map((name) =>
      answer.headers.get(`x-ratelimit-${name}-requests`),
    );
    expect(stated).toEqual(["10", "7", "30s"]);
    const plain = await (await serve({ stream })).send("GET", "/v1/export/x");
    expect(plain.headers.get("x-ratelimit-limit-requests")).toBeNull();
  });

  const failing = (contentType: string) => async () =>
    streaming(
      (async function* () {
        yield piece("data: {}\n\n", contentType);
        throw violation();
      })(),
    );

  it("end an event stream that has begun as its last event", async () => {
    const server = await serve({ stream: failing("text/event-stream"), options });
    const { status, text } = await server.send("GET", "/v1/export/x");
    expect(status).toBe(200);
    const [, last] = text.split("data: ").filter((part) => part !== "");
    expect(errorOf(JSON.parse(last ?? ""))).toMatchObject({ code: "content_filter", decision_id: "d-1" });
  });

  it("break off any other stream that has begun, whose bytes have no place for them", async () => {
    const server = await serve({ stream: failing("text/csv"), options });
    const { text } = await server.send("GET", "/v1/export/x");
    expect(text).toBe("data: {}\n\n[cut]");
  });
});
