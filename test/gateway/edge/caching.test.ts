import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../support/platform.js";
import { json, send, startEdge } from "./browser.js";

let platform: TestPlatform;
let authorization: string;
let agent: { id: string; etag: string };

const call = (method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
  send(
    platform.url,
    method,
    path,
    body ? json(body, { authorization, ...headers }) : { headers: { authorization, ...headers } },
  );

beforeAll(async () => {
  platform = await startEdge();
  authorization = `Bearer ${await platform.signIn()}`;
  agent = (await call("POST", "/api/v1/agents", {}, { name: "a", agent_type: "b" })).json;
});
afterAll(() => platform.stop());

describe("the entity tag of a read", () => {
  it("is the resource's own, for GET and HEAD", async () => {
    for (const method of ["GET", "HEAD"]) {
      const { status, headers } = await call(method, `/api/v1/agents/${agent.id}`);
      expect([status, headers.etag]).toEqual([200, `"${agent.etag}"`]);
    }
  });

  it("comes of the bytes where there is no resource", async () => {
    const { headers, bytes } = await call("GET", "/api/v1/agents");
    const digest = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
    expect(headers.etag).toBe(`"${digest}"`);
  });

  it("spares the content to who has it", async () => {
    for (const path of [
      `/api/v1/agents/${agent.id}`,
      "/api/v1/agents",
      "/.well-known/jwks.json",
      "/openapi.json",
    ]) {
      const { headers: first } = await call("GET", path);
      const etag = String(first.etag);
      for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await call("GET", path, { "if-none-match": condition });
        expect([path, again.status, again.bytes.length]).toEqual([path, 304, 0]);
        expect(again.headers.etag).toBe(etag);
        expect(again.headers["cache-control"]).toBe(first["cache-control"]);
        expect(again.headers.vary).toBe(first.vary);
        expect(again.headers).not.toHaveProperty("content-type");
      }
    }
  });

  it("spares nothing to who has something else", async () => {
    for (const condition of ['"other"', agent.etag, `W/"other"`]) {
      expect((await call("GET", `/api/v1/agents/${agent.id}`, { "if-none-match": condition })).status).toBe(
        200,
      );
    }
  });

  it("is compared for HEAD where the resource has its own", async () => {
    const known = await call("HEAD", `/api/v1/agents/${agent.id}`, { "if-none-match": `"${agent.etag}"` });
    expect(known.status).toBe(304);
  });

  it("is there for Connect's GET too", async () => {
    const path = "/consciousness.auth.v1.AuthService/GetJwks?connect=v1&encoding=json&message=%7B%7D";
    const { headers } = await call("GET", path);
    expect(headers.etag).toMatch(/^"[\w-]{22}"$/);
    expect(headers["cache-control"]).toBe("public, max-age=300");
    expect((await call("GET", path, { "if-none-match": String(headers.etag) })).status).toBe(304);
  });

  it("is absent from errors and from what nobody may keep", async () => {
    const missing = await call("GET", "/api/v1/agents/0197f2a4-6d1c-7b3e-9a52-3c8f1e0d4b76");
    expect([missing.status, missing.headers.etag]).toEqual([404, undefined]);
    const health = await call("GET", "/livez", { "if-none-match": "*" });
    expect([health.status, health.headers.etag]).toEqual([200, undefined]);
  });
});

describe("Cache-Control", () => {
  it.each([
    ["GET", "/.well-known/jwks.json", "public, max-age=300"],
    ["GET", "/api/v1/agents", "private, no-cache"],
    ["GET", "/livez", "no-store"],
    ["GET", "/metrics", "no-store"],
    ["GET", "/api/v1/nothing", "no-store"],
    ["GET", "/openapi.json", "no-cache"],
    ["GET", "/api/v1/agents/1", "no-store"],
    ["DELETE", "/api/v1/agents/0197f2a4-6d1c-7b3e-9a52-3c8f1e0d4b76", "no-store"],
  ])("of %s %s is %s", async (method, path, expected) => {
    expect((await call(method, path)).headers["cache-control"]).toBe(expected);
  });

  it("keeps secrets from everybody, and whole", async () => {
    const login = json(
      { username: "admin", password: "a password for tests" },
      { "accept-encoding": "gzip" },
    );
    const { status, headers } = await send(platform.url, "POST", "/api/v1/auth/login", login);
    expect([status, headers["cache-control"]]).toEqual([200, "no-store, no-transform"]);
    expect(headers).not.toHaveProperty("content-encoding");
  });

  it("comes with Vary where the answer is the caller's", async () => {
    const { headers } = await call("GET", "/api/v1/agents");
    expect(headers.vary).toBe("authorization, cookie, x-api-key, x-tenant, accept-encoding");
    expect((await call("GET", "/.well-known/jwks.json")).headers.vary).toBe("accept-encoding");
  });
});

describe("If-Match", () => {
  const path = () => `/api/v1/agents/${agent.id}`;

  it("lets a change of the state that the caller read pass, once", async () => {
    const before = (await call("GET", path())).headers.etag!;
    const changed = await call("PATCH", path(), { "if-match": before }, { description: "one" });
    expect(changed.status).toBe(200);
    const again = await call("PATCH", path(), { "if-match": before }, { description: "two" });
    expect([again.status, again.json.reason]).toEqual([412, "ETAG_MISMATCH"]);
    expect((await call("GET", path())).json.description).toBe("one");
  });

  it("keeps what has changed from being replaced or deleted", async () => {
    const replaced = await call("PUT", path(), { "if-match": '"other"' }, { name: "a", agent_type: "b" });
    expect([replaced.status, replaced.json.reason]).toEqual([412, "ETAG_MISMATCH"]);
    const deleted = await call("DELETE", path(), { "if-match": '"other"' });
    expect([deleted.status, deleted.json.reason]).toEqual([412, "ETAG_MISMATCH"]);
    expect((await call("GET", path())).status).toBe(200);
  });

  it("takes back the tag of a compressed answer", async () => {
    const { json: long } = await call(
      "POST",
      "/api/v1/agents",
      {},
      { name: "long", agent_type: "b", description: "x".repeat(1500) },
    );
    const read = await call("GET", `/api/v1/agents/${long.id}`, { "accept-encoding": "gzip" });
    expect(read.headers).toMatchObject({ etag: `"${long.etag}.gzip"`, "content-encoding": "gzip" });
    const headers = { "accept-encoding": "gzip", "if-none-match": read.headers.etag! };
    const known = await call("GET", `/api/v1/agents/${long.id}`, headers);
    expect([known.status, known.headers.etag]).toEqual([304, read.headers.etag]);
    expect(
      (await call("DELETE", `/api/v1/agents/${long.id}`, { "if-match": read.headers.etag! })).status,
    ).toBe(200);
  });

  it("deletes what is as it was read", async () => {
    const current = (await call("GET", path())).headers.etag!;
    expect((await call("DELETE", path(), { "if-match": current })).status).toBe(200);
  });

  it("is refused where nobody would compare it", async () => {
    const refused = await call(
      "POST",
      "/api/v1/agents",
      { "if-match": '"x"' },
      { name: "c", agent_type: "b" },
    );
    expect([refused.status, refused.json.reason]).toEqual([412, "PRECONDITION_FAILED"]);
  });
});
