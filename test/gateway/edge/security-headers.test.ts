import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selfSigned } from "../../support/certificate.js";
import { freshDataDirectory } from "../../support/data-directory.js";
import type { TestPlatform } from "../../support/platform.js";
import { send, startEdge } from "./browser.js";

const hsts = "strict-transport-security";
let plain: TestPlatform;
let behindProxy: TestPlatform;
let overTls: TestPlatform;
beforeAll(async () => {
  const directory = await freshDataDirectory();
  const { key, cert } = await selfSigned();
  const [TLS_KEY_FILE, TLS_CERT_FILE] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  await writeFile(TLS_KEY_FILE, key);
  await writeFile(TLS_CERT_FILE, cert);
  plain = await startEdge();
  behindProxy = await startEdge({ TRUSTED_PROXY_HOPS: "1", GATEWAY_HSTS_SECONDS: "60" });
  overTls = await startEdge({ TLS_KEY_FILE, TLS_CERT_FILE });
});
afterAll(() => Promise.all([plain, behindProxy, overTls].map((platform) => platform.stop())));

describe("every answer", () => {
  it.each([
    "/livez",
    "/api/v1/nothing",
    "/consciousness.auth.v1.AuthService/GetJwks",
    "/api/v1/auth/profile",
  ])("at %s tells browsers what not to do", async (path) => {
    const { headers } = await send(plain.url, "GET", path);
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "content-security-policy": expect.stringMatching(/^default-src 'none'; frame-ancestors 'none'/),
      "referrer-policy": "no-referrer",
      "permissions-policy": expect.stringContaining("camera=()"),
      "cross-origin-resource-policy": "same-origin",
    });
  });

  it("keeps what the page of the documents needs", async () => {
    const { headers } = await send(plain.url, "GET", "/docs");
    expect(headers["content-security-policy"]).toContain("script-src 'self';");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["permissions-policy"]).toContain("camera=()");
  });

  it("has them also when it is refused before any protocol", async () => {
    const { status, headers } = await send(plain.url, "GET", `/${"x".repeat(9000)}`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
  });
});

describe("HSTS", () => {
  it("is not told in clear text, whatever a client claims", async () => {
    const { headers } = await send(plain.url, "GET", "/livez", { headers: { "x-forwarded-proto": "https" } });
    expect(headers).not.toHaveProperty(hsts);
  });

  it("is told when the nearest proxy of ours says that the client speaks TLS", async () => {
    const ask = async (proto: string) =>
      (await send(behindProxy.url, "GET", "/livez", { headers: { "x-forwarded-proto": proto } })).headers[
        hsts
      ];
    expect(await ask("https")).toBe("max-age=60");
    expect(await ask("http, https")).toBe("max-age=60");
    expect(await ask("https, http")).toBeUndefined();
  });

  it("is told over TLS", async () => {
    const session = connect(overTls.url.replace("http:", "https:"), { rejectUnauthorized: false });
    const request = session.request({ ":path": "/livez", "accept-encoding": "gzip" });
    const [headers] = await once(request, "response");
    expect(headers).toMatchObject({
      ":status": 200,
      [hsts]: "max-age=31536000",
      "cache-control": "no-store",
    });
    request.resume();
    session.close();
    await once(session, "close");
  });
});
