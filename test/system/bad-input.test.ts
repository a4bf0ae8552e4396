import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

const processPath = "/api/v1/consciousness/process";

describe("bad input", () => {
  let platform: TestPlatform;
  let token: string;

  beforeAll(async () => {
    platform = await startPlatform();
    token = await platform.signIn();
  }, 60_000);
  afterAll(() => platform?.stop());

  interface Bad {
    readonly name: string;
    readonly method?: string;
    readonly path?: string;
    readonly body: unknown;
    readonly status: number;
    readonly reason: string;
    readonly detail: string | RegExp;
  }

  it.each<Bad>([
    {
      name: "an empty input",
      body: { input: "" },
      status: 400,
      reason: "VALIDATION_FAILED",
      detail: /^The request is not valid: input: /,
    },
    {
      name: "a blank input",
      body: { input: " \n\t" },
      status: 400,
      reason: "VALIDATION_FAILED",
      detail: "The request is not valid: input: must not be blank.",
    },
    {
      name: "40,000 characters",
      body: { input: "a".repeat(40_000) },
      status: 400,
      reason: "VALIDATION_FAILED",
      detail: /^The request is not valid: input: .*16000/,
    },
    {
      name: "malformed JSON",
      body: '{"input": ',
      status: 400,
      reason: "BODY_MALFORMED",
      detail: /^The body cannot be read: /,
    },
    {
      name: "a number for a text",
      body: { input: 7 },
      status: 400,
      reason: "BODY_MALFORMED",
      detail: /input/,
    },
    {
      name: "a threshold above 1",
      body: { input: "hello", options: { quality_threshold: 1.5 } },
      status: 400,
      reason: "VALIDATION_FAILED",
      detail: /options\.quality_threshold/,
    },
    {
      name: "an unknown field",
      body: { input: "hello", optoins: {} },
      status: 400,
      reason: "FIELD_UNKNOWN",
      detail: /optoins.*options/,
    },
    {
      name: "the wrong HTTP method",
      method: "DELETE",
      body: undefined,
      status: 405,
      reason: "METHOD_NOT_ALLOWED",
      detail: `${processPath} does not take DELETE; it takes`,
    },
    {
      name: "an unknown path",
      path: "/api/v1/consciousnes/process",
      body: {},
      status: 404,
      reason: "ROUTE_NOT_FOUND",
      detail: "There is no route for /api/v1/consciousnes/process.",
    },
    {
      name: "a body that is not JSON by its type",
      body: "input=hello",
      status: 415,
      reason: "MEDIA_TYPE_UNSUPPORTED",
      detail: /text\/plain/,
    },
    {
      name: "a body beyond the limit",
      body: { input: "a".repeat(3 * 1024 * 1024) },
      status: 413,
      reason: "BODY_TOO_LARGE",
      detail: "The body is larger than 2097152 bytes.",
    },
  ])("refuses $name with $status $reason, in one log line", async (bad) => {
    const headers: Record<string, string> = bad.status === 415 ? { "content-type": "text/plain" } : {};
    const send = restClient(platform.url, token);
    await expectRefusal(
      (id) =>
        send(bad.method ?? "POST", bad.path ?? processPath, bad.body, { ...headers, "x-request-id": id }),
      bad,
    );
  });

  it("refuses a call without a token", async () => {
    await expectTokenRefused(undefined, "CREDENTIALS_MISSING");
  });

  it("refuses a forged token", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const header = decodeProtectedHeader(token) as { alg: string };
    const forged = await new SignJWT(decodeJwt(token)).setProtectedHeader(header).sign(privateKey);
    await expectTokenRefused(forged, "TOKEN_INVALID");
  });

  it("refuses a token whose claims were changed", async () => {
    const [header, payload, signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload!, "base64url").toString());
    const changed = Buffer.from(JSON.stringify({ ...claims, tenant: "other" })).toString("base64url");
    await expectTokenRefused(`${header}.${changed}.${signature}`, "TOKEN_INVALID");
  });

  it("refuses an expired token", async () => {
    const old = await platform.signIn();
    platform.advance(16 * 60 * 1000);
    await expectTokenRefused(old, "TOKEN_EXPIRED");
    token = await platform.signIn();
  });

  it("stored no decision for any of them", async () => {
    const status = await restClient(platform.url, token)("GET", "/metrics");
    expect(status.body).not.toMatch(/^consciousness_requests_total\{/m);
  });

  async function expectTokenRefused(bearer: string | undefined, reason: string): Promise<void> {
    const send = restClient(platform.url, bearer);
    const answer = await expectRefusal(
      (id) => send("POST", processPath, { input: "hello" }, { "x-request-id": id }),
      { status: 401, reason, detail: /./ },
    );
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
  }

  let count = 0;

  async function expectRefusal(
    send: (correlationId: string) => ReturnType<ReturnType<typeof restClient>>,
    expected: { status: number; reason: string; detail: string | RegExp },
  ) {
    count += 1;
    const id = `bad-input-${count}`;
    const answer = await send(id);
    expect(answer.status).toBe(expected.status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ status: expected.status, reason: expected.reason });
    expect(answer.body.detail).toMatch(expected.detail);
    const lines = () => platform.lines.filter((line) => line.correlation_id === id);
    await expect.poll(() => lines().length).toBe(1);
    return answer;
  }
});
