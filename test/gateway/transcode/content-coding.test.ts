import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { serve } from "./fixture.js";

const json = { "content-type": "application/json" };
const gzip = { ...json, "content-encoding": "gzip" };
const limits = { bodyBytes: 1000 };
const text = (length: number) => JSON.stringify({ text: "x".repeat(length) });

describe("a gzipped body", () => {
  it.each(["gzip", "x-gzip", "GZIP"])("is read as what it holds, said as %s", async (coding) => {
    const { send, seen } = await serve();
    const headers = { ...json, "content-encoding": coding };
    expect((await send("POST", "/v1/everything", { headers, body: gzipSync(text(5)) })).status).toBe(200);
    expect(seen[0]?.input).toEqual({ text: "xxxxx" });
  });

  it("may expand up to the limit of a body", async () => {
    const { send } = await serve({ options: { limits } });
    const body = gzipSync(text(limits.bodyBytes - text(0).length));
    expect((await send("POST", "/v1/everything", { headers: gzip, body })).status).toBe(200);
  });

  it("may not expand to more, however small it came", async () => {
    const { send, seen } = await serve({ options: { limits } });
    for (const body of [gzipSync(text(limits.bodyBytes)), gzipSync(Buffer.alloc(800_000, " "))]) {
      expect(body.length).toBeLessThan(limits.bodyBytes);
      const answer = await send("POST", "/v1/everything", { headers: gzip, body });
      expect(answer.json).toMatchObject({ status: 413, reason: "BODY_TOO_LARGE" });
    }
    expect(seen).toHaveLength(0);
  });

  it("that is none, or not complete, is malformed", async () => {
    const { send } = await serve();
    for (const body of [Buffer.from("{}"), gzipSync(text(100)).subarray(0, -12)]) {
      const answer = await send("POST", "/v1/everything", { headers: gzip, body });
      expect(answer.json).toMatchObject({ status: 400, reason: "BODY_MALFORMED" });
    }
  });

  it("is the only coding that is read, which the refusal of others says", async () => {
    const { send } = await serve();
    for (const coding of ["br", "deflate", "gzip, gzip"]) {
      const headers = { ...json, "content-encoding": coding };
      const answer = await send("POST", "/v1/everything", { headers, body: "{}" });
      expect(answer.json).toMatchObject({ status: 415, reason: "MEDIA_TYPE_UNSUPPORTED" });
      expect(answer.headers.get("accept-encoding")).toBe("gzip");
    }
  });
});
