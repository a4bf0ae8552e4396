import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { TestPlatform } from "../../support/platform.js";
import { json, send, startEdge } from "./browser.js";

const origin = "https://app.example.com";
const other = "https://app.example.com.evil.example";
let platform: TestPlatform;
let closed: TestPlatform;
beforeAll(async () => {
  platform = await startEdge({
    GATEWAY_CORS_ORIGINS: `${origin}, http://localhost:5173`,
    GATEWAY_CORS_MAX_AGE: "300",
  });
  closed = await startEdge();
});
afterAll(() => Promise.all([platform.stop(), closed.stop()]));

const preflight = (path: string, method: string, headers: Record<string, string> = {}, url = platform.url) =>
  send(url, "OPTIONS", path, { headers: { origin, "access-control-request-method": method, ...headers } });

const corsHeaders = (headers: object) =>
  Object.keys(headers).filter((name) => name.startsWith("access-control-"));

describe("a preflight", () => {
  it.each([
    ["/api/v1/agents/1", "DELETE", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"],
    ["/api/v1/agents", "POST", "GET, HEAD, OPTIONS, POST"],
    ["/consciousness.auth.v1.AuthService/GetJwks", "GET", "GET, POST"],
    ["/consciousness.auth.v1.AuthService/Login", "POST", "POST"],
    ["/openapi.json", "GET", "GET, HEAD, OPTIONS"],
  ])("of an admitted origin for %s is told what the route takes", async (path, method, methods) => {
    const { status, headers, bytes } = await preflight(path, method);
    expect([status, bytes.length]).toEqual([204, 0]);
    expect(headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": methods,
      "access-control-max-age": "300",
      vary: "origin, access-control-request-method, access-control-request-headers",
    });
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });

  it("admits the headers of our protocols", async () => {
    const asked = "Authorization,Content-Type,Connect-Protocol-Version,X-Grpc-Web,Idempotency-Key,If-Match";
    const { status, headers } = await preflight("/api/v1/agents", "POST", {
      "access-control-request-headers": asked,
    });
    expect(status).toBe(204);
    const admitted = String(headers["access-control-allow-headers"]).split(", ");
    expect(admitted).toEqual(expect.arrayContaining(asked.toLowerCase().split(",")));
  });

  it.each([
    ["of another origin", "/api/v1/agents", "GET", { origin: other }, 403, "ORIGIN_NOT_ALLOWED"],
    ["of an opaque origin", "/api/v1/agents", "GET", { origin: "null" }, 403, "ORIGIN_NOT_ALLOWED"],
    [
      "of an origin in other letters",
      "/api/v1/agents",
      "GET",
      { origin: origin.toUpperCase() },
      403,
      "ORIGIN_NOT_ALLOWED",
    ],
    ["for a path that is none", "/api/v1/nothing", "GET", {}, 404, "ROUTE_NOT_FOUND"],
    ["for a path that is broken", "/api/v1/agents/%zz", "GET", {}, 400, "URL_MALFORMED"],
    ["for what the route does not take", "/api/v1/agents", "DELETE", {}, 405, "METHOD_NOT_ALLOWED"],
    [
      "for what we call ourselves",
      "/consciousness.auth.v1.AuthService/ExchangeToken",
      "POST",
      {},
      404,
      "ROUTE_NOT_FOUND",
    ],
    [
      "for a header that is not admitted",
      "/api/v1/agents",
      "GET",
      { "access-control-request-headers": "x-evil" },
      400,
      "PARAMETER_INVALID",
    ],
  ])("%s is refused, which admits nothing", async (_, path, method, headers, status, reason) => {
    const answer = await preflight(path, method, headers);
    expect(answer.json).toMatchObject({ status, reason });
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty("access-control-allow-methods");
    if (reason === "ORIGIN_NOT_ALLOWED") expect(corsHeaders(answer.headers)).toEqual([]);
  });

  it("is refused everywhere without configured origins", async () => {
    const answer = await preflight("/api/v1/agents", "GET", {}, closed.url);
    expect(answer.json).toMatchObject({ status: 403, reason: "ORIGIN_NOT_ALLOWED" });
  });

  it("leaves a line and a count when it is refused", async () => {
    await preflight("/api/v1/agents", "GET", { origin: other });
    const line = platform.lines.findLast(({ message }) => message === "request rejected");
    expect(line).toMatchObject({
      metadata: { http_method: "OPTIONS", status: 403, reason: "ORIGIN_NOT_ALLOWED" },
    });
    const headers = { authorization: `Bearer ${await platform.signIn()}` };
    const metrics = await send(platform.url, "GET", "/metrics", { headers });
    expect(metrics.bytes.toString()).toMatch(/reason="ORIGIN_NOT_ALLOWED"[^\n]* [1-9]/);
  });
});

describe("OPTIONS that is no preflight", () => {
  it("says what the path takes", async () => {
    const { status, headers } = await send(platform.url, "OPTIONS", "/api/v1/agents");
    expect([status, headers.allow]).toEqual([204, "GET, HEAD, OPTIONS, POST"]);
    expect(corsHeaders(headers)).toEqual([]);
  });
});

describe("an answer", () => {
  const login = json({ username: "admin", password: "wrong" });

  it("may be read by a page of an admitted origin, errors included", async () => {
    const { status, headers } = await send(platform.url, "POST", "/api/v1/auth/login", {
      ...login,
      headers: { ...login.headers, origin },
    });
    expect(status).toBe(401);
    expect(headers["access-control-allow-origin"]).toBe(origin);
    expect(String(headers["access-control-expose-headers"]).split(", ")).toEqual(
      expect.arrayContaining([
        "ratelimit",
        "retry-after",
        "x-request-id",
        "etag",
        "grpc-status",
        "idempotent-replayed",
      ]),
    );
    expect(headers.vary).toContain("origin");
  });

  it("says nothing to a page of another origin, but is the same", async () => {
    const answer = await send(platform.url, "GET", "/.well-known/jwks.json", { headers: { origin: other } });
    expect(answer.status).toBe(200);
    expect(corsHeaders(answer.headers)).toEqual([]);
    expect(answer.headers.vary).toContain("origin");
  });

  it("depends on no origin where none is configured", async () => {
    const answer = await send(closed.url, "GET", "/.well-known/jwks.json", { headers: { origin } });
    expect(corsHeaders(answer.headers)).toEqual([]);
    expect(answer.headers.vary ?? "").not.toContain("origin");
  });

  it.each([
    ["Connect", createConnectTransport],
    ["gRPC-Web", createGrpcWebTransport],
  ])("over %s may be read by an admitted page", async (_, createTransport) => {
    const seen: Headers[] = [];
    const transport = createTransport({
      baseUrl: platform.url,
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("origin", origin);
        const response = await fetch(input, { ...init, headers });
        seen.push(response.headers);
        return response;
      },
    });
    expect((await createClient(AuthService, transport).getJwks({})).keys).toHaveLength(1);
    expect(seen[0]?.get("access-control-allow-origin")).toBe(origin);
    expect(seen[0]?.get("access-control-expose-headers")).toContain("grpc-status-details-bin");
  });
});

it("refuses to start with an origin that is none", async () => {
  for (const wrong of ["*", "https://app.example.com/", "https://*.example.com"]) {
    const starting = startEdge({ GATEWAY_CORS_ORIGINS: wrong });
    await expect(starting).rejects.toThrow("GATEWAY_CORS_ORIGINS");
  }
});
