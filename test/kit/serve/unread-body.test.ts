import { once } from "node:events";
import { request as http1Request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Listener, listen } from "../../../services/kit/serve/listen.js";
import { takeInUnread } from "../../../services/kit/serve/unread-body.js";

let listener: Listener;
afterEach(() => listener.drain(0));

/** Answers at once, whatever is still to come. */
async function answerEarly(lingerMs?: number): Promise<number> {
  listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: (request, response) => {
      takeInUnread(request, response, lingerMs);
      response.writeHead(413).end("too large");
    },
  });
  return listener.port;
}

describe("an answer before the end of its request", () => {
  it("reaches a client that is still sending over HTTP/1.1, and ends the connection", async () => {
    const port = await answerEarly();
    const request = http1Request({ port, host: "127.0.0.1", method: "POST", agent: false });
    request.end(Buffer.alloc(8 * 1024 * 1024));
    const [response] = await once(request, "response");
    expect([response.statusCode, response.headers.connection]).toEqual([413, "close"]);
    expect(await text(response)).toBe("too large");
  });

  it("reaches that client also when the request was given up half-read", async () => {
    listener = await listen({
      host: "127.0.0.1",
      port: 0,
      handler: async (request, response) => {
        takeInUnread(request, response);
        for await (const _ of request) break;
        response.writeHead(413).end("too large");
      },
    });
    const options = { port: listener.port, host: "127.0.0.1", method: "POST", agent: false };
    const request = http1Request(options);
    request.end(Buffer.alloc(8 * 1024 * 1024));
    const [response] = await once(request, "response");
    expect(await text(response)).toBe("too large");
  });

  it("does not wait longer than it should for the rest over HTTP/1.1", async () => {
    const port = await answerEarly(20);
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\nsome");
    expect(await text(socket)).toContain("too large");
  });

  it("lets a client send the rest over HTTP/2", async () => {
    const port = await answerEarly();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":method": "POST" });
    const closed = once(stream, "close");
    stream.end(Buffer.alloc(8 * 1024 * 1024));
    expect(await text(stream)).toBe("too large");
    await closed;
    expect(stream.rstCode).toBe(0);
    session.close();
  });

  it("resets a stream of HTTP/2 whose rest never comes", async () => {
    const port = await answerEarly(20);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":method": "POST" });
    const closed = once(stream, "close");
    stream.write("some");
    expect(await text(stream)).toBe("too large");
    await closed;
    expect(stream.rstCode).toBe(0);
    session.close();
  });
});

async function text(readable: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
