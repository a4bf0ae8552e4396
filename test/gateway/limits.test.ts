import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

let platform: TestPlatform;
let port: number;

beforeAll(async () => {
  platform = await startPlatform({
    environment: {
      BODY_LIMIT_BYTES: "2000",
      HEADER_LIMIT_BYTES: "5000",
      HEADER_LIMIT_FIELDS: "40",
      URL_LIMIT_BYTES: "300",
      QUERY_LIMIT_PARAMETERS: "1",
      JSON_LIMIT_DEPTH: "8",
    },
  });
  port = Number(new URL(platform.url).port);
});
afterAll(() => platform.stop());

const large = { "x-large": "x".repeat(5000) };
const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-${index}`, "1"]));
const health = "/livez";
const connectMethod = "/consciousness.auth.v1.AuthService/Login";

describe("limits of the gateway, over REST", () => {
  it.each([
    ["a body", "POST", "/api/v1/auth/login", { username: "x".repeat(2000) }, {}, 413, "BODY_TOO_LARGE"],
    ["a path", "GET", `/api/v1/agents/${"x".repeat(300)}`, undefined, {}, 414, "URL_TOO_LONG"],
    ["a path without a route", "GET", `/nowhere/${"x".repeat(300)}`, undefined, {}, 414, "URL_TOO_LONG"],
    ["a query", "GET", `${health}?${"x".repeat(300)}`, undefined, {}, 414, "URL_TOO_LONG"],
    ["headers, in bytes", "GET", health, undefined, large, 431, "HEADERS_TOO_LARGE"],
    ["headers, in number", "GET", health, undefined, many, 431, "HEADERS_TOO_LARGE"],
    [
      "parameters, in number",
      "GET",
      "/api/v1/agents?page_size=1&page_token=a",
      undefined,
      {},
      400,
      "PARAMETER_INVALID",
    ],
    [
      "parameters, in depth",
      "GET",
      `/api/v1/agents?${Array.from({ length: 9 }, () => "a").join(".")}`,
      undefined,
      {},
      400,
      "PARAMETER_INVALID",
    ],
  ])("refuse too much of %s, by name", async (_, method, path, body, headers, status, reason) => {
    const answer = await restClient(platform.url)(method, path, body, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ status, reason, request_id: expect.any(String) });
    expect(answer.headers.get("x-request-id")).toBe(answer.body.request_id);
  });

  it("leave a line in the log, with the reason", async () => {
    await restClient(platform.url)("GET", health, undefined, large);
    const lines = platform.lines.filter(({ message }) => message === "request rejected");
    expect(lines.at(-1)).toMatchObject({ metadata: { reason: "HEADERS_TOO_LARGE", status: 431 } });
  });
});

describe("limits of the gateway, over Connect and gRPC", () => {
  const call = (headers: Record<string, string>, path = connectMethod) =>
    fetch(`${platform.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: "{}",
    });

  it.each([
    ["headers", connectMethod, large, 431, "HEADERS_TOO_LARGE"],
    ["a URL", `${connectMethod}?${"x".repeat(300)}`, {}, 414, "URL_TOO_LONG"],
  ])("refuse too much of %s as Connect does", async (_, path, headers, status, reason) => {
    const response = await call(headers as Record<string, string>, path);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/json");
    const { code, details } = (await response.json()) as { code: string; details: { value: string }[] };
    expect(code).toBe("invalid_argument");
    expect(Buffer.from(details[0]?.value ?? "", "base64").toString()).toContain(reason);
  });

  const grpc = (headers: OutgoingHttpHeaders) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const session = connectHttp2(platform.url).on("error", reject);
      const stream = session.request({
        ":method": "POST",
        ":path": connectMethod,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      stream.on("error", reject).on("response", (answer) => {
        session.destroy();
        resolve(answer);
      });
      stream.end(Buffer.alloc(5));
    });

  it("refuse too many headers as gRPC does, in trailers alone", async () => {
    const answer = await grpc(many);
    expect(answer).toMatchObject({ ":status": 200, "grpc-status": "3" });
    expect(answer["grpc-message"]).toContain("more%20than%2040%20fields");
  });

  it("close the connection after a request that is refused unread", async () => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(`POST ${health} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nX: ${"x".repeat(5000)}\r\n\r\n`);
    await closed;
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text.split("HTTP/1.1 ")).toHaveLength(2);
  });
});
