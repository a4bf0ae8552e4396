import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../support/platform.js";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

const get = (path: string, init?: RequestInit) => fetch(`${platform.url}${path}`, init);

describe("the documents at the edge", () => {
  it("are the committed OpenAPI document", async () => {
    const response = await get("/openapi.json");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe(readFileSync("gen/openapi/openapi.json", "utf8"));
  });

  it("are a page whose every file comes from here", async () => {
    const html = await (await get("/docs")).text();
    const files = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, file]) => file!);
    const own = files.filter((file) => !file.startsWith("data:"));
    expect(own).toHaveLength(4);
    for (const file of own) {
      const response = await get(`/${file}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toMatch(/^text\/(css|javascript); charset=utf-8$/);
    }
  });

  it("run no script that is not a file of ours", async () => {
    const { headers } = await get("/docs");
    const policy = headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("are not sent again to who has them", async () => {
    const etag = (await get("/openapi.json")).headers.get("etag")!;
    const again = await get("/openapi.json", { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const other = await get("/openapi.json", { headers: { "if-none-match": '"other"' } });
    expect(other.status).toBe(200);
  });

  it("answer HEAD without a body and refuse to be changed", async () => {
    const head = await get("/docs", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const post = await get("/docs", { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect(await post.json()).toMatchObject({ reason: "METHOD_NOT_ALLOWED" });
  });

  it("are those files and no others", async () => {
    for (const path of ["/docs/", "/docs/page.html", "/docs/..%2fpackage.json", "/docs/swagger-ui.js"]) {
      const response = await get(path);
      expect(await response.json()).toMatchObject({ status: 404, reason: "ROUTE_NOT_FOUND" });
    }
  });

  it("are not logged as refusals", async () => {
    await get("/openapi.json");
    await get("/nothing-here");
    await expect
      .poll(() => platform.lines.filter(({ message }) => message === "request rejected").length)
      .toBeGreaterThan(0);
    const refused = platform.lines.filter(({ message }) => message === "request rejected");
    expect(JSON.stringify(refused)).not.toContain("/openapi.json");
    expect(JSON.stringify(refused)).toContain("/nothing-here");
  });
});
