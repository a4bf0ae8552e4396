import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRouter } from "../../../services/gateway/transcode/router.js";
import { parseTemplate, type Template } from "../../../services/gateway/transcode/template.js";

const template = (text: string): Template => {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.template;
};

const routerOf = (...routes: string[]) =>
  createRouter(
    routes.map((route) => {
      const [httpMethod = "", text = ""] = route.split(" ");
      return { httpMethod, template: template(text), value: route };
    }),
  );

const routes = [
  "GET /v1/*",
  "GET /v1/fixed",
  "GET /v1/**",
  "GET /v1/*/b",
  "GET /v1/a/*",
  "GET /v1/a/**/z",
  "POST /v1/fixed",
  "POST /v1/*:run",
  "DELETE /v1/a%2Fb",
  "* /any/*",
  "PUT /any/*",
];

describe("createRouter", () => {
  it.each([
    ["GET", "/v1/fixed", "GET /v1/fixed"],
    ["GET", "/v1/%66ixed", "GET /v1/fixed"],
    ["GET", "/v1/other", "GET /v1/*"],
    ["GET", "/v1/a/b", "GET /v1/a/*"],
    ["GET", "/v1/x/b", "GET /v1/*/b"],
    ["GET", "/v1/x/c", "GET /v1/**"],
    ["GET", "/v1/a/b/c/z", "GET /v1/a/**/z"],
    ["GET", "/v1/a/b/c", "GET /v1/**"],
    ["GET", "/v1", "GET /v1/**"],
    ["GET", "/v1/", "GET /v1/**"],
    ["POST", "/v1/x:run", "POST /v1/*:run"],
    ["POST", "/v1/a:b:run", "POST /v1/*:run"],
    ["DELETE", "/v1/a%2fb", "DELETE /v1/a%2Fb"],
    ["PROPFIND", "/any/x", "* /any/*"],
    ["PUT", "/any/x", "PUT /any/*"],
    ["GET", "/any/x", "* /any/*"],
  ])("%s %s is %s, in whatever order routes are declared", (method, path, expected) => {
    for (const order of [routes, [...routes].reverse()]) {
      expect(routerOf(...order).match(method, path)).toMatchObject({ kind: "found", value: expected });
    }
  });

  it.each([
    ["POST", "/v1/other", ["GET"]],
    ["DELETE", "/v1/fixed", ["GET", "POST"]],
    // A path whose verb is known elsewhere is that verb's, not data for `*`.
    ["GET", "/v1/x:run", ["POST"]],
  ])("%s %s has other methods only", (method, path, allow) => {
    const match = routerOf(...routes).match(method, path);
    expect(match).toEqual({ kind: "method", allow });
  });

  it.each(["/v2/x", "/", "", "*", "v1/fixed", "/any", "/any/", "/any/x/", "/ANY/x"])(
    "%s has no route",
    (path) => {
      expect(routerOf(...routes).match("GET", path)).toEqual({ kind: "none" });
    },
  );

  it("keeps captured segments raw", () => {
    expect(routerOf("GET /v1/*:run").match("GET", "/v1/a%2Fb%3A:run")).toMatchObject({
      segments: ["v1", "a%2Fb%3A"],
    });
  });

  it("takes an unknown verb, an encoded or an empty one as data", () => {
    for (const path of ["/v1/x:walk", "/v1/x%3Arun", "/v1/x:"]) {
      expect(routerOf("GET /v1/*", "GET /v2/*:run").match("GET", path)).toMatchObject({ value: "GET /v1/*" });
    }
  });

  it("refuses broken escapes and bytes that are not UTF-8", () => {
    for (const path of ["/v1/%", "/v1/%2", "/v1/%zz", "/v1/%ff", "/v1/%C0%80", "/v1/%ED%A0%80"]) {
      expect(() => routerOf("GET /v1/*").match("GET", path)).toThrow(/broken percent-escape or is not UTF-8/);
    }
  });

  it("agrees with a matcher that tries every template", () => {
    const segment = fc.constantFrom("a", "b", "*");
    const templates = fc
      .tuple(
        fc.array(segment, { minLength: 1, maxLength: 4 }),
        fc.option(fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }), { nil: undefined }),
        fc.constantFrom("", ":v", ":w"),
      )
      .map(([head, rest, verb]) => `/${[...head, ...(rest ? ["**", ...rest] : [])].join("/")}${verb}`);
    const paths = fc
      .tuple(
        fc.array(fc.constantFrom("a", "b", "c", ""), { minLength: 1, maxLength: 6 }),
        fc.constantFrom("", ":v"),
      )
      .map(([segments, verb]) => `/${segments.join("/")}${verb}`);
    fc.assert(
      fc.property(fc.uniqueArray(templates, { maxLength: 12 }), paths, (texts, path) => {
        const match = routerOf(...texts.map((text) => `GET ${text}`)).match("GET", path);
        const expected = naiveMatch(texts, path);
        expect(match.kind === "found" ? match.value : undefined).toBe(expected && `GET ${expected}`);
      }),
      { numRuns: 2000 },
    );
  });

  it("stays fast on a path made to backtrack", () => {
    const deep = Array.from({ length: 12 }, (_, depth) => `GET /${"*/".repeat(depth)}**/z`);
    const router = routerOf(
      ...deep,
      ...Array.from({ length: 12 }, (_, depth) => `GET /${"a/".repeat(depth)}*/z`),
    );
    const began = performance.now();
    expect(router.match("GET", `/${"a/".repeat(5000)}b`)).toEqual({ kind: "none" });
    expect(performance.now() - began).toBeLessThan(500);
  });
});

/** Every template tried, the most specific that fits taken. */
function naiveMatch(texts: readonly string[], path: string): string | undefined {
  const segments = path.slice(1).split("/");
  const last = segments.at(-1) ?? "";
  const colon = last.lastIndexOf(":");
  const stripped = colon >= 0 ? [...segments.slice(0, -1), last.slice(0, colon)] : undefined;
  const verb = last.slice(colon + 1);
  const best = (candidates: readonly string[], parts: readonly string[]) =>
    candidates.filter((text) => fits(template(text).segments, parts)).sort(bySpecificity)[0];
  const withVerb =
    stripped &&
    best(
      texts.filter((text) => template(text).verb === verb),
      stripped,
    );
  return (
    withVerb ??
    best(
      texts.filter((text) => template(text).verb === ""),
      segments,
    )
  );
}

function fits(pattern: Template["segments"], parts: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (!first) return parts.length === 0;
  if (first.kind === "**")
    return parts.some((_, index) => fits(others, parts.slice(index))) || fits(others, []);
  const [part, ...remaining] = parts;
  if (part === undefined) return false;
  return (first.kind === "*" ? part !== "" : first.text === part) && fits(others, remaining);
}

function bySpecificity(a: string, b: string): number {
  const ranks = { literal: 0, "*": 1, "**": 2 };
  const [left, right] = [a, b].map((text) => template(text).segments.map(({ kind }) => ranks[kind]));
  for (let index = 0; left && right; index++) {
    const [x, y] = [left[index], right[index]];
    if (x === undefined && y === undefined) return 0;
    if (x === undefined) return y === 2 ? -1 : 1;
    if (y === undefined) return x === 2 ? 1 : -1;
    if (x !== y) return x - y;
  }
  return 0;
}
