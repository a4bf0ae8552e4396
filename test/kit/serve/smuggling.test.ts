import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Listener } from "../../../services/kit/serve/listen.js";
import { keepPace } from "../../../services/kit/serve/pace.js";
import { rawConnection, serve } from "./clients.js";

const seen: string[] = [];
let listener: Listener;

beforeAll(async () => {
  ({ listener } = await serve({
    limits: { headersTimeoutMs: 300, idleTimeoutMs: 2000 },
    handler: async (request, response) => {
      keepPace(request, { windowMs: 300, leastBytes: 100 }, () => response.destroy());
      seen.push(`${request.method} ${request.url}`);
      for await (const _ of request);
      response.end("served");
    },
  }));
});

beforeEach(() => {
  seen.length = 0;
});

afterAll(() => listener.drain(0));

/** What a second server on the way may take for a request of its own. */
const hidden = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";
const post = (headers: string, body: string, line = "POST /open HTTP/1.1") =>
  `${line}\r\nHost: h\r\n${headers}\r\n\r\n${body}`;
const chunked = (body: string) => post("Transfer-Encoding: chunked", body);

describe("a request that two servers could read differently is refused, and nothing behind it is served", () => {
  it.each([
    ["length and chunks", post("Content-Length: 6\r\nTransfer-Encoding: chunked", `0\r\n\r\n${hidden}`)],
    ["chunks and length", post("Transfer-Encoding: chunked\r\nContent-Length: 6", `0\r\n\r\n${hidden}`)],
    ["two lengths", post("Content-Length: 0\r\nContent-Length: 35", hidden)],
    ["the same length twice", post("Content-Length: 5\r\nContent-Length: 5", `12345${hidden}`)],
    ["a list of lengths", post("Content-Length: 5, 5", `12345${hidden}`)],
    ["a signed length", post("Content-Length: +5", `12345${hidden}`)],
    ["a negative length", post("Content-Length: -1", hidden)],
    ["a hexadecimal length", post("Content-Length: 0x5", `12345${hidden}`)],
    ["a length beyond any", post("Content-Length: 99999999999999999999999", hidden)],
    ["an empty length", post("Content-Length:", hidden)],
    ["an unknown coding", post("Transfer-Encoding: xchunked", `0\r\n\r\n${hidden}`)],
    ["a coding that is not the last", post("Transfer-Encoding: chunked, identity", `0\r\n\r\n${hidden}`)],
    ["the identity coding", post("Transfer-Encoding: identity", hidden)],
    [
      "an unknown coding behind a length",
      post("Content-Length: 5\r\nTransfer-Encoding: x", `12345${hidden}`),
    ],
    ["a coding with a control character", post("Transfer-Encoding: \x0bchunked", `0\r\n\r\n${hidden}`)],
    ["a space before the colon", post("Transfer-Encoding : chunked", `0\r\n\r\n${hidden}`)],
    ["a folded header", post("Transfer-Encoding:\r\n chunked", `0\r\n\r\n${hidden}`)],
    ["a folded length", post("X: 1\r\n Content-Length: 5", `12345${hidden}`)],
    ["a hexadecimal prefix of a chunk", chunked(`0x5\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["a signed chunk size", chunked(`+5\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["a negative chunk size", chunked(`-1\r\n\r\n0\r\n\r\n${hidden}`)],
    ["a chunk size beyond any", chunked(`fffffffffffffffff\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["a chunk size that is no number", chunked(`zz\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["an empty chunk size", chunked(`\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["a chunk longer than its size", chunked(`3\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["a chunk line ended by a line feed", chunked(`5\n12345\r\n0\r\n\r\n${hidden}`)],
    ["a chunk ended by a line feed", chunked(`5\r\n12345\n0\r\n\r\n${hidden}`)],
    ["a chunk extension with a line feed", chunked(`5;a\nb\r\n12345\r\n0\r\n\r\n${hidden}`)],
    ["the last chunk ended by line feeds", chunked(`0\n\n${hidden}`)],
    ["header lines ended by line feeds", `POST /open HTTP/1.1\nHost: h\nContent-Length: 5\n\n12345${hidden}`],
    ["a header line ended by a line feed", post("X: 1\nContent-Length: 5", `12345${hidden}`)],
    ["a header line ended by a carriage return", post("X: 1\rContent-Length: 5", `12345${hidden}`)],
    ["an end of headers without carriage return", `GET /open HTTP/1.1\r\nHost: h\r\n\n${hidden}`],
    ["a NUL in a header", post("X: a\0b\r\nContent-Length: 5", `12345${hidden}`)],
    ["a header without a name", post(": 1\r\nContent-Length: 5", `12345${hidden}`)],
    ["a space in a header's name", post("Content Length: 5", `12345${hidden}`)],
    ["a space before the first header", `POST /open HTTP/1.1\r\n Host: h\r\n\r\n${hidden}`],
    ["no host", `GET /open HTTP/1.1\r\n\r\n${hidden}`],
    ["two hosts", `GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${hidden}`],
    ["a version that does not exist", post("Content-Length: 5", `12345${hidden}`, "POST /open HTTP/1.9")],
    ["a version too many", post("Content-Length: 5", `12345${hidden}`, "POST /open HTTP/1.1 HTTP/1.1")],
    ["a method that does not exist", post("Content-Length: 5", `12345${hidden}`, "P\x01ST /open HTTP/1.1")],
    ["chunks in HTTP/1.0", post("Transfer-Encoding: chunked", `0\r\n\r\n${hidden}`, "POST /open HTTP/1.0")],
  ])("%s", async (_, bytes) => {
    const { socket, closed } = rawConnection(listener);
    socket.write(Buffer.from(bytes, "latin1"));
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(seen).not.toContain("GET /hidden");
  });
});

describe("a request that is only unusual is served", () => {
  it.each([
    ["HTTP/1.0 without a host", "GET /open HTTP/1.0\r\n\r\n"],
    ["a body in chunks with extensions and trailers", `${chunked("5;a=b\r\n12345\r\n0\r\nX: 1\r\n\r\n")}`],
    ["a list of codings that ends with chunks", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")],
    ["spaces around a length", post("Content-Length:   5  ", "12345")],
    ["a target in absolute form", "GET http://h/open HTTP/1.1\r\nHost: h\r\n\r\n"],
  ])("%s", async (_, bytes) => {
    const { socket, closed } = rawConnection(listener);
    socket.end(bytes);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe("a client that takes its time", () => {
  it.each([
    ["for its request line", "GET /slow"],
    ["for its headers", "GET /slow HTTP/1.1\r\nHost: h\r\nX: "],
  ])("%s is answered with 408 and closed, a byte at a time or not", async (_, beginning) => {
    const { socket, closed } = rawConnection(listener);
    socket.write(beginning);
    const trickle = setInterval(() => socket.write("0"), 20);
    const answer = await closed;
    clearInterval(trickle);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(answer.split("HTTP/1.1 ").length).toBeLessThanOrEqual(2);
  });

  it.each([
    ["for a body of a length", post("Content-Length: 1000", ""), "0"],
    ["for a chunk", chunked("ff\r\n"), "0"],
    ["for a chunk size", chunked("0"), "0"],
    ["for chunks", chunked(""), "1\r\nx\r\n"],
    ["for a chunk extension", chunked("5;"), "x"],
  ])("%s is cut off, a byte at a time or not", async (_, beginning, more) => {
    const { socket, closed } = rawConnection(listener);
    socket.write(beginning);
    const trickle = setInterval(() => socket.write(more), 20);
    expect(await closed).toBe("");
    clearInterval(trickle);
  });

  it("is served when its body makes progress, however long it takes", async () => {
    const { socket, closed } = rawConnection(listener);
    const pieces = 30;
    socket.write(post(`Connection: close\r\nContent-Length: ${pieces * 200}`, ""));
    let sent = 0;
    const steadily = setInterval(() => {
      socket.write("x".repeat(200));
      sent += 1;
      if (sent === pieces) clearInterval(steadily);
    }, 40);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it("does not keep others from being served, however many there are", async () => {
    const slow = Array.from({ length: 300 }, () => rawConnection(listener));
    for (const { socket } of slow) socket.write("GET /slow HTTP/1.1\r\nX: ");
    const { socket, closed } = rawConnection(listener);
    socket.write("GET /open HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    expect(await closed).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const answers = await Promise.all(slow.map((one) => one.closed));
    expect(answers.every((answer) => answer.startsWith("HTTP/1.1 408 "))).toBe(true);
    expect(seen).toEqual(["GET /open"]);
  });
});
