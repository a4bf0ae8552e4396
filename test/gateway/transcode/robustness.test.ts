import { ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactInteger } from "../../../services/gateway/transcode/exact-number.js";
import { createJsonCodec } from "../../../services/gateway/transcode/json.js";
import { isPlainJson } from "../../../services/gateway/transcode/json-scan.js";
import { parseJson } from "../../../services/gateway/transcode/json-text.js";
import { exchange, messageOf, parseAnswer, registry, serve } from "./fixture.js";

const targetPart = fc.oneof(
  fc.constantFrom(
    "/v1/",
    "everything",
    "text/",
    "files/",
    "shelves/1/books/2",
    "?",
    "&",
    "=",
    "%2F",
    "%",
    "%zz",
    ":",
    ":cancel",
  ),
  fc.constantFrom(
    "text",
    "shelf.",
    "inner.",
    "name",
    "tags",
    "labels",
    "big",
    "at",
    "mask",
    "choice",
    "left",
    "wrapped_big",
    "__proto__",
  ),
  fc.string({ unit: "grapheme-ascii", maxLength: 5 }),
);
const jsonish = fc.oneof(
  fc.json(),
  fc.string({
    unit: fc.constantFrom(...'{}[]":,\\ 019.-eE', "null", '"text"', '"shelf"', '"big"'),
    maxLength: 30,
  }),
  fc
    .record(
      {
        text: fc.anything(),
        big: fc.anything(),
        shelf: fc.anything(),
        tags: fc.anything(),
        extra: fc.anything(),
      },
      { requiredKeys: [] },
    )
    .map((value) => safeStringify(value)),
);

describe("any request", () => {
  it("over the wire is answered without a failure of ours", async () => {
    const server = await serve();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"),
        fc.array(targetPart, { maxLength: 8 }),
        fc.oneof(jsonish, fc.uint8Array({ maxLength: 20 })),
        fc.constantFrom("application/json", "text/plain", "", "application/json; charset=x"),
        async (method, parts, body, type) => {
          const target = `/${parts.join("")}`.replace(/[^\x21-\x7e]/g, "");
          const headers = type ? { "content-type": type } : {};
          const answer = await server.send(method, target, {
            body,
            headers: headers as Record<string, string>,
          });
          expect(answer.status).toSatisfy(
            (status: number) => status === 501 || (status >= 200 && status < 500),
          );
        },
      ),
      { numRuns: 400 },
    );
    expect(server.failures).toEqual([]);
  });

  it("of raw bytes leaves the server alive", async () => {
    const server = await serve();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        const head = Buffer.from("GET /v1/text/");
        const raw = await exchange(
          server.port,
          Buffer.concat([head, bytes, Buffer.from(" HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")]),
        );
        if (raw) expect(parseAnswer(raw).status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
    expect((await server.send("GET", "/v1/text/alive")).status).toBe(200);
  });
});

describe("the JSON codec", () => {
  const codec = createJsonCodec({ registry, maxDepth: 100 });
  const everything = messageOf("Everything");

  it("answers any text with a message or an error of the catalogue", () => {
    const read = codec.reader(everything, { ignoreUnknown: false });
    const lenient = codec.reader(everything, { ignoreUnknown: true });
    fc.assert(
      fc.property(jsonish, (text) => {
        for (const reader of [read, lenient]) {
          try {
            reader(text);
          } catch (error) {
            expect(error).toBeInstanceOf(ConnectError);
            expect((error as ConnectError).rawMessage).not.toContain("cannot decode");
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("accepts what JSON.parse accepts, and sees the same in it", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const parsed = parseJson(text, 100);
        if (text.includes("__proto__")) return;
        expect(parsed.ok && JSON.parse(JSON.stringify(parsed.json, plainNumbers))).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("never calls a text plain that the exact parser reads differently", () => {
    fc.assert(
      fc.property(jsonish, (text) => {
        if (!isPlainJson(text, 100)) return;
        const parsed = parseJson(text, 100);
        let plain: unknown;
        try {
          plain = JSON.parse(text);
        } catch {
          expect(parsed.ok).toBe(false);
          return;
        }
        expect(parsed).toEqual({ ok: true, json: plain });
      }),
      { numRuns: 3000 },
    );
  });

  it("reads any 64-bit number exactly, however it is written", () => {
    const read = codec.reader(everything, { ignoreUnknown: false });
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.nat(3), (value, zeros) => {
        const scaled = `${value}${value === 0n ? "" : "0".repeat(zeros)}e-${zeros}`;
        for (const text of [`${value}`, `"${value}"`, `${value}.0`, scaled]) {
          expect(read(`{"big":${text}}`)).toMatchObject({ big: value });
        }
      }),
    );
  });

  it.each([
    ["0", "0"],
    ["-0.0e5", "0"],
    ["1e3", "1000"],
    ["1.50e1", "15"],
    ["-120e-1", "-12"],
    ["1.5", undefined],
    ["1e-1", undefined],
    ["1e20", undefined],
    ["1e999999999", undefined],
    ["0.000000000000000000001e21", "1"],
  ])("reads %s as the whole number %s", (text, integer) => {
    expect(exactInteger(text)).toBe(integer);
  });
});

function safeStringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

function plainNumbers(_: string, value: unknown): unknown {
  const isText = typeof value === "object" && value !== null && value.constructor.name === "NumberText";
  return isText ? Number((value as unknown as { text: string }).text) : value;
}
