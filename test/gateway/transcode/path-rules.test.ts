import { describe, expect, it } from "vitest";
import { serve } from "./fixture.js";

describe("path rules over the wire", () => {
  it.each([
    ["R3: * is one segment", "/v1/text/abc", "ByText", "abc"],
    ["R3: an anonymous * sets nothing", "/v1/anonymous/x/end", "ByAnonymous", undefined],
    ["R4: ** is no segment at all", "/v1/files", "ByRest", undefined],
    ["R4: ** is one segment", "/v1/files/a", "ByRest", "a"],
    ["R4: ** is many segments", "/v1/files/a/b/c", "ByRest", "a/b/c"],
    ["R4: ** keeps empty segments", "/v1/files/a//b/", "ByRest", "a//b/"],
    ["R2: literals follow **", "/v1/files/a/b/meta", "ByRestAndSuffix", "a/b"],
    ["R2: literals follow an empty **", "/v1/files/meta", "ByRestAndSuffix", undefined],
    ["R5: a value includes its literals", "/v1/shelves/1/books/2", "ByPattern", "shelves/1/books/2"],
    ["R6: no leading slash is captured", "/v1/files/x", "ByRest", "x"],
    ["R7: a verb belongs to the match", "/v1/files/a/b:stat", "RestVerb", "a/b"],
    ["R7: %3A is data", "/v1/files/a/b%3Astat", "ByRest", "a/b:stat"],
    ["R7: an unknown verb is data", "/v1/text/a:b", "ByText", "a:b"],
    ["R7: a colon before the last segment is data", "/v1/files/a:stat/b", "ByRest", "a:stat/b"],
    ["R8: %2F is decoded in one segment", "/v1/text/a%2Fb%2fc", "ByText", "a/b/c"],
    ["R8: decoded once", "/v1/text/a%2525", "ByText", "a%25"],
    ["R8: a lone percent is data", "/v1/text/100%25", "ByText", "100%"],
    ["R9: %2F stays in several segments", "/v1/files/a%2Fb%2fc/d%20e", "ByRest", "a%2Fb%2fc/d e"],
    ["R9: %2F stays in a pattern", "/v1/shelves/a%2Fb/books/c%3A", "ByPattern", "shelves/a%2Fb/books/c:"],
    ["R9: %2F stays in ** of one segment", "/v1/files/a%2Fb", "ByRest", "a%2Fb"],
    ["R10: + is data in a path", "/v1/text/a+b", "ByText", "a+b"],
    ["R11: reserved characters of literals", "/v1/a%2Fb/caf%C3%A9", "ByReserved", undefined],
    ["R11: however they are spelled", "/v1/%61%2fb/caf%c3%a9", "ByReserved", undefined],
    ["R12: any UTF-8", "/v1/text/%F0%9F%98%80", "ByText", "😀"],
    ["R30: a literal wins over *", "/v1/text/fixed", "ByLiteral", undefined],
    ["R30: an encoded literal too", "/v1/text/%66ixed", "ByLiteral", undefined],
    ["dot segments are data", "/v1/text/..", "ByText", ".."],
    ["dot segments resolve nothing", "/v1/files/a/../b", "ByRest", "a/../b"],
    ["absolute form", "http://elsewhere/v1/text/a%2Fb", "ByText", "a/b"],
  ])("%s: %s", async (_, target, method, text) => {
    const server = await serve();
    const answer = await server.send("GET", target);
    expect(answer.status).toBe(200);
    expect(server.seen.map((seen) => [seen.method, (seen.input as { text?: string }).text])).toEqual([
      [method, text],
    ]);
  });

  it.each([
    ["R3: a trailing slash differs", "/v1/everything/"],
    ["R3: * is not empty", "/v1/text/"],
    ["R3: * is no two segments", "/v1/text/a/b"],
    ["R3: literals match by case", "/v1/Text/a"],
    ["R9: an encoded slash is no boundary", "/v1/shelves/1%2Fbooks/2"],
    ["R11: an encoded slash is no boundary", "/v1/a/b/caf%C3%A9"],
    ["R33: a method without annotation has no route", "/fixture.v1.Fixture/Hidden"],
    ["R30: empty segments are not skipped", "//v1/everything"],
  ])("%s: %s has no route", async (_, target) => {
    const server = await serve();
    const answer = await server.send("GET", target);
    expect([answer.status, answer.text]).toEqual([404, "no route"]);
    expect(server.seen).toEqual([]);
    expect(server.rejections).toEqual([]);
  });

  it.each([
    ["/v1/text/%", "%"],
    ["/v1/text/%4", "%4"],
    ["/v1/text/a%zz", "a%zz"],
    ["/v1/text/%ff", "%ff"],
    ["/v1/files/a/%C3%28", "%C3%28"],
    ["/v1/%C0%AF", "%C0%AF"],
  ])("R12: %s is malformed", async (target, part) => {
    const server = await serve();
    const answer = await server.send("GET", target);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      reason: "URL_MALFORMED",
      detail: `The URL is malformed: ${part} has a broken percent-escape or is not UTF-8.`,
    });
    expect(server.rejections).toMatchObject([{ reason: "URL_MALFORMED", status: 400 }]);
  });

  it("R12: raw bytes beyond ASCII are refused by Node before us", async () => {
    const server = await serve();
    expect((await server.send("GET", "/v1/text/\u00e9")).status).toBe(400);
    expect(server.seen).toEqual([]);
  });
});

describe("methods", () => {
  it.each([
    ["DELETE", "/v1/everything", "GET, HEAD, OPTIONS, POST"],
    ["GET", "/v1/text/x:cancel", "OPTIONS, POST"],
    ["POST", "/v1/probe/x", "HEAD, OPTIONS, PROPFIND"],
  ])("R31: %s %s answers 405 and Allow", async (method, target, allow) => {
    const server = await serve();
    const answer = await server.send(method, target);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(answer.json).toMatchObject({
      code: "UNIMPLEMENTED",
      reason: "METHOD_NOT_ALLOWED",
      detail: `${target} does not take ${method}; it takes ${allow}.`,
    });
    expect(server.seen).toEqual([]);
  });

  it("R30: a literal of another method does not hide a wildcard", async () => {
    const server = await serve();
    expect((await server.send("POST", "/v1/text/fixed:cancel")).status).toBe(200);
    expect(server.seen).toMatchObject([{ method: "Cancel", input: { text: "fixed" } }]);
  });

  it("R26: a custom kind is that method, * every one, a specific one goes first", async () => {
    const server = await serve();
    await server.send("PROPFIND", "/v1/probe/a");
    await server.send("SEARCH", "/v1/any/b");
    await server.send("DELETE", "/v1/any/c");
    expect(server.seen.map(({ method, input }) => [method, input])).toEqual([
      ["Probe", { text: "a" }],
      ["Probe", { text: "b" }],
      ["SpecificOfAny", { text: "c" }],
    ]);
  });

  it("serves HEAD from GET, with its headers and no body", async () => {
    const server = await serve();
    const get = await server.send("GET", "/v1/text/a");
    const head = await server.send("HEAD", "/v1/text/a");
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(head.headers.get("content-length")).toBe(get.headers.get("content-length"));
    expect((await server.send("HEAD", "/v1/raw")).text).toBe("");
  });

  it("answers OPTIONS with what the path takes", async () => {
    const server = await serve();
    const answer = await server.send("OPTIONS", "/v1/everything");
    expect([answer.status, answer.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS, POST"]);
    expect(server.rejections).toEqual([]);
  });

  it("R25: additional bindings are rules of their own", async () => {
    const server = await serve();
    await server.send("POST", "/v1/everything/a/b", { body: '{"small":1}' });
    await server.send("POST", "/v1/tags", { body: '["x"]' });
    await server.send("GET", "/v1/lenient?small=2");
    expect(server.seen.map(({ route, input }) => [route, input])).toEqual([
      ["/v1/everything/{text}/{shelf.name}", { text: "a", small: 1, shelf: { name: "b" } }],
      ["/v1/tags", { tags: ["x"] }],
      ["/v1/lenient", { small: 2 }],
    ]);
  });
});
