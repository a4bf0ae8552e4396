import { request as httpRequest } from "node:http";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../support/platform.js";
import { json, send, startEdge } from "./browser.js";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startEdge({ GATEWAY_COMPRESS_FROM_BYTES: "400", BODY_LIMIT_BYTES: "100000" });
});
afterAll(() => platform.stop());

const get = (path: string, headers: Record<string, string> = {}) =>
  send(platform.url, "GET", path, { headers });
const keys = "/.well-known/jwks.json";

describe("an answer", () => {
  it.each([
    ["gzip", "gzip", gunzipSync],
    ["br", "br", brotliDecompressSync],
    ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
    ["br;q=0.1, gzip;q=0.9", "gzip", gunzipSync],
  ])("is compressed for %s", async (accepted, coding, decode) => {
    const plain = await get(keys);
    const { headers, bytes } = await get(keys, { "accept-encoding": accepted });
    expect(headers).toMatchObject({ "content-encoding": coding, "content-length": String(bytes.length) });
    expect(decode(bytes).equals(plain.bytes)).toBe(true);
    expect(headers.etag).toBe(`${String(plain.headers.etag).slice(0, -1)}.${coding}"`);
    expect(headers.vary).toContain("accept-encoding");
  });

  it.each(["identity", "gzip;q=0", "gzip;q=0.1, identity", "deflate", ""])(
    "is not for %j",
    async (accepted) => {
      const { headers } = await get(keys, { "accept-encoding": accepted });
      expect(headers).not.toHaveProperty("content-encoding");
      expect(headers.vary).toContain("accept-encoding");
    },
  );

  it("is not when it is small", async () => {
    const { headers } = await get("/livez", { "accept-encoding": "gzip" });
    expect(headers).not.toHaveProperty("content-encoding");
  });

  it("is compressed when it is an error or changed something, and then has no tag", async () => {
    const long = "x".repeat(400);
    const { status, headers, bytes } = await get(`/${long}`, { "accept-encoding": "gzip" });
    expect([status, headers["content-encoding"], headers.etag]).toEqual([404, "gzip", undefined]);
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({ reason: "ROUTE_NOT_FOUND" });
  });

  it("of large documents is compressed, and of pictures not", async () => {
    const { headers, bytes } = await get("/docs/swagger-ui-bundle.js", { "accept-encoding": "br" });
    const plain = await get("/docs/swagger-ui-bundle.js");
    expect(headers["content-encoding"]).toBe("br");
    expect(bytes.length).toBeLessThan(plain.bytes.length / 3);
    expect(brotliDecompressSync(bytes).equals(plain.bytes)).toBe(true);
  });

  it("of HEAD is told as it is without coding", async () => {
    const { headers, bytes } = await send(platform.url, "HEAD", keys, {
      headers: { "accept-encoding": "gzip" },
    });
    expect(headers).not.toHaveProperty("content-encoding");
    expect(bytes.length).toBe(0);
  });

  it("is whole when many are asked for on one connection", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => get(keys, { "accept-encoding": index % 2 ? "gzip" : "br" })),
    );
    const texts = answers.map(({ headers, bytes }) =>
      (headers["content-encoding"] === "br" ? brotliDecompressSync : gunzipSync)(bytes).toString(),
    );
    expect(new Set(texts).size).toBe(1);
  });
});

describe("a gzipped request", () => {
  const login = (body: Uint8Array, headers: Record<string, string> = {}) =>
    send(platform.url, "POST", "/api/v1/auth/login", {
      body,
      headers: { "content-type": "application/json", "content-encoding": "gzip", ...headers },
    });

  it("is read over REST", async () => {
    const { status } = await login(
      gzipSync(JSON.stringify({ username: "admin", password: "a password for tests" })),
    );
    expect(status).toBe(200);
  });

  it.each(["/api/v1/auth/login", "/consciousness.auth.v1.AuthService/Login"])(
    "that expands beyond the limit is refused at %s",
    async (path) => {
      const bomb = gzipSync(Buffer.alloc(50_000_000, 32));
      const { body: _, ...sent } = json({}, { "content-encoding": "gzip" });
      const answer = await send(platform.url, "POST", path, { ...sent, body: bomb });
      expect(bomb.length).toBeLessThan(100_000);
      expect(answer.json.reason ?? answer.json.code).toMatch(/^(BODY_TOO_LARGE|resource_exhausted)$/);
      expect([413, 429]).toContain(answer.status);
    },
  );

  it("of another coding is refused, and told what would be read", async () => {
    const { status, json: problem, headers } = await login(Buffer.from("{}"), { "content-encoding": "br" });
    expect([status, problem.reason, headers["accept-encoding"]]).toEqual([
      415,
      "MEDIA_TYPE_UNSUPPORTED",
      "gzip",
    ]);
  });
});

it("never compresses what comes back of a client that has gone", async () => {
  const { port } = new URL(platform.url);
  for (let at = 0; at < 20; at += 1) {
    await new Promise<void>((resolve) => {
      const request = httpRequest({
        port,
        path: "/docs/swagger-ui-bundle.js",
        headers: { "accept-encoding": "br" },
      });
      request
        .on("error", () => resolve())
        .on("response", (response) => {
          response.destroy();
          resolve();
        });
      request.end();
      setImmediate(() => request.destroy());
    });
  }
  expect((await get(keys, { "accept-encoding": "gzip" })).status).toBe(200);
});
