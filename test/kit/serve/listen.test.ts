import type { ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { get as httpsGet } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { ListenOptions } from "../../../services/kit/serve/listen.js";
import { selfSigned } from "../../support/certificate.js";
import { eventually } from "../../support/until.js";
import { get, http1, http2, rawConnection, serve } from "./clients.js";
import { connectionPreface, emptySettings, frame } from "./frames.js";

/** HEADERS that end the stream: method GET, scheme http and path / from the static table, authority "a". */
const headers = (stream: number) => frame("HEADERS", 5, stream, [0x82, 0x86, 0x84, 0x01, 1, 97]);
/** RST_STREAM with CANCEL. */
const reset = (stream: number) => frame("RST_STREAM", 0, stream, [0, 0, 0, 8]);

async function start(options: Partial<ListenOptions> = {}) {
  const served = await serve(options);
  onTestFinished(() => served.listener.drain(0));
  return served;
}

describe("a port in clear text", () => {
  it("answers HTTP/1.1 and HTTP/2 on the same port", async () => {
    const { listener } = await start();
    const session = http2(listener);
    expect(await http1(listener)).toMatchObject({ status: 200, body: "1.1" });
    expect(await get(session)).toEqual({ status: 200, body: "2.0" });
    session.close();
  });

  it("knows HTTP/2 when the preface arrives byte by byte", async () => {
    const { listener } = await start();
    const { socket, received } = rawConnection(listener);
    for (const byte of Buffer.concat([connectionPreface, emptySettings])) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    }
    const settingsFrame = "\x04\x00\x00\x00\x00\x00";
    await eventually(() => expect(received()).toContain(settingsFrame));
  });

  it("answers HTTP/1.1 when the request arrives byte by byte", async () => {
    const { listener } = await start();
    const { socket, closed } = rawConnection(listener);
    for (const byte of Buffer.from("PRINT / HTTP/1.1\r\nHost: a\r\n\r\n".replace("PRINT", "PATCH"))) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    }
    socket.end();
    expect(await closed).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it("keeps a body that arrives together with the headers", async () => {
    const { listener } = await start({
      handler: async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        response.end(body);
      },
    });
    const { socket, closed } = rawConnection(listener);
    socket.end("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole");
    expect(await closed).toMatch(/whole$/);
  });

  it("answers garbage with a problem of status 400, closes, and reports it", async () => {
    const { listener, reported } = await start();
    const { socket, closed } = rawConnection(listener);
    socket.write("\x16\x03\x01\x02\x00garbage\r\n\r\n");
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json\r\n/);
    expect(answer).toContain('"status":400,"detail":"The request is not well-formed HTTP."');
    expect(answer).toContain('"reason":"REQUEST_MALFORMED"');
    expect(reported).toHaveLength(1);
  });

  it("answers a preface of HTTP/2 that goes wrong late with 400", async () => {
    const { listener } = await start();
    const { socket, closed } = rawConnection(listener);
    socket.write("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    expect(await closed).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("survives a peer that resets before it has spoken", async () => {
    const { listener } = await start();
    const { socket, closed } = rawConnection(listener);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.resetAndDestroy();
    await closed;
    await eventually(() => expect(listener.connections).toBe(0));
    expect(await http1(listener)).toMatchObject({ status: 200 });
  });
});

describe("the limits of a port", () => {
  it("closes a client that stays silent", async () => {
    const { listener, reported } = await start({ limits: { prefaceTimeoutMs: 30 } });
    expect(await rawConnection(listener).closed).toBe("");
    expect(reported.map(String)).toEqual(["Error: no request within the preface timeout"]);
  });

  it("closes a client that stops in the middle of the preface", async () => {
    const { listener } = await start({ limits: { prefaceTimeoutMs: 30 } });
    const { socket, closed } = rawConnection(listener);
    socket.write("PRI * HT");
    expect(await closed).toBe("");
  });

  it("answers headers that never end with 408", async () => {
    const { listener } = await start({ limits: { headersTimeoutMs: 50 } });
    const { socket, closed } = rawConnection(listener);
    socket.write("GET / HTTP/1.1\r\n");
    const trickle = setInterval(() => socket.write("X: 1\r\n"), 10);
    const answer = await closed;
    clearInterval(trickle);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  it("drops what never comes of a body whose request is answered", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { listener } = await start();
    const { socket, closed, received } = rawConnection(listener);
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    await eventually(() => expect(received()).toMatch(/1\.1$/));
    await vi.advanceTimersByTimeAsync(5_000);
    await closed;
  });

  it("closes a connection that waits too long for its next request, and tells how long it may", async () => {
    const { listener } = await start({ limits: { keepAliveTimeoutMs: 1 } });
    const { socket, closed, received } = rawConnection(listener);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually(() => expect(received()).toMatch(/1\.1$/));
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await closed).match(/\r\nKeep-Alive: timeout=0\r\n/g)).toHaveLength(2);
  });

  it("drops a connection that carries nothing during a request", async () => {
    const { listener } = await start({ limits: { idleTimeoutMs: 60 }, handler: () => undefined });
    const { socket, closed } = rawConnection(listener);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await closed).toBe("");
  });

  it("keeps a connection that carries something now and then", async () => {
    const handler: ListenOptions["handler"] = (request, response) => {
      request.resume().on("end", () => response.end("whole"));
    };
    const { listener } = await start({ limits: { idleTimeoutMs: 60 }, handler });
    const { socket, received } = rawConnection(listener);
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    for (let sent = 0; sent < 10; sent += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.write("x");
    }
    await eventually(() => expect(received()).toMatch(/whole$/));
    socket.destroy();
  });

  it("closes without a second answer when a broken request follows one in progress", async () => {
    const { listener } = await start({
      handler: (_, response) => {
        (response as ServerResponse).write("begun");
      },
    });
    const { socket, closed } = rawConnection(listener);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually(() => expect(socket.bytesRead).toBeGreaterThan(0));
    socket.write("garbage\r\n\r\n");
    const answer = await closed;
    expect(answer).toContain("begun");
    expect(answer).not.toContain("400");
  });

  it("answers headers that are too large with 431", async () => {
    const { listener } = await start({ limits: { maxHeaderBytes: 1024, maxUrlBytes: 1024 } });
    const { socket, closed } = rawConnection(listener);
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(5000)}\r\n\r\n`);
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    expect(answer).toContain('"detail":"The headers have more than 1024 bytes."');
  });

  it("answers a request line that never ends with 414", async () => {
    const { listener } = await start({ limits: { maxHeaderBytes: 1024, maxUrlBytes: 1024 } });
    const { socket, closed } = rawConnection(listener);
    socket.write(`GET /${"x".repeat(5000)}`);
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 414 URI Too Long\r\n/);
    expect(answer).toContain('"detail":"The URL is longer than 1024 characters."');
  });

  it("hands over every header, as one left out could be the one that matters", async () => {
    let seen = 0;
    const { listener } = await start({
      limits: { maxHeaderBytes: 65_536 },
      handler: (request, response) => {
        seen = request.rawHeaders.length / 2;
        response.end();
      },
    });
    const { socket, closed } = rawConnection(listener);
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${"a:b\r\n".repeat(5000)}Connection: close\r\n\r\n`);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen).toBe(5002);
  });

  it("refuses a stream whose headers are too large and keeps the session", async () => {
    const { listener } = await start({ limits: { maxHeaderBytes: 1024, maxUrlBytes: 1024 } });
    const session = http2(listener);
    await get(session);
    await expect(get(session, { large: "x".repeat(5000) })).rejects.toThrow(/ENHANCE_YOUR_CALM|431/);
    expect(await get(session)).toMatchObject({ status: 200 });
    session.close();
  });

  it("closes connections beyond the limit and serves again when one has gone", async () => {
    const { listener, reported } = await start({ limits: { maxConnections: 1 } });
    const first = rawConnection(listener);
    await eventually(() => expect(listener.connections).toBe(1));
    await expect(http1(listener)).rejects.toThrow();
    expect(reported.map(String)).toEqual(["Error: more than 1 connections"]);
    first.socket.destroy();
    await eventually(async () => expect(await http1(listener)).toMatchObject({ status: 200 }));
  });

  it("closes connections of one address beyond its share, and counts those that have gone no more", async () => {
    const { listener, reported } = await start({ limits: { maxConnectionsPerAddress: 2 } });
    const first = rawConnection(listener);
    const second = rawConnection(listener);
    await eventually(() => expect(listener.connections).toBe(2));
    expect(await rawConnection(listener).closed).toBe("");
    expect(reported.map(String)).toEqual(["Error: more than 2 connections from 127.0.0.1"]);
    const elsewhere = connectTcp({ host: "127.0.0.1", localAddress: "127.0.0.2", port: listener.port });
    onTestFinished(() => void elsewhere.destroy());
    await eventually(() => expect(listener.connections).toBe(3));
    first.socket.destroy();
    await eventually(async () => expect(await http1(listener)).toMatchObject({ status: 200 }));
    second.socket.destroy();
  });

  it("announces how many streams a session may have, and refuses more", async () => {
    const { listener } = await start({ limits: { maxConcurrentStreams: 2 }, handler: () => undefined });
    const session = http2(listener);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
    session.destroy();
  });

  it("ends a session that resets its streams in a flood", async () => {
    const { listener, reported } = await start({ handler: () => undefined });
    const { socket, closed } = rawConnection(listener);
    socket.write(Buffer.concat([connectionPreface, emptySettings]));
    for (let id = 1; id < 1_000; id += 2) socket.write(Buffer.concat([headers(id), reset(id)]));
    const enhanceYourCalm = "\x00\x00\x00\x0b";
    expect((await closed).slice(-4)).toBe(enhanceYourCalm);
    expect(reported.map(String)).toContain("Error: a peer resets its streams in a flood");
  });

  it("forgives resets that come slowly", async () => {
    let seconds = 0;
    const monotonic = () => {
      seconds += 1;
      return seconds * 1_000;
    };
    const { listener, reported } = await start({
      handler: () => undefined,
      clock: { now: () => 0, monotonic },
    });
    const { socket } = rawConnection(listener);
    socket.write(Buffer.concat([connectionPreface, emptySettings]));
    for (let id = 1; id < 1_000; id += 2) socket.write(Buffer.concat([headers(id), reset(id)]));
    await eventually(() => expect(seconds).toBeGreaterThanOrEqual(500));
    expect(reported).toEqual([]);
    expect(listener.connections).toBe(1);
  });

  it("closes a session that has no stream for too long, and pings do not keep it", async () => {
    const { listener } = await start({ limits: { idleTimeoutMs: 60 } });
    const session = http2(listener);
    const closed = new Promise((resolve) => session.once("close", resolve));
    await get(session);
    const pings = setInterval(() => session.destroyed || session.ping(() => undefined), 10);
    await closed;
    clearInterval(pings);
  });

  it("keeps a session with a quiet stream whose peer answers pings", async () => {
    let finish: () => void = () => undefined;
    const { listener } = await start({
      limits: { idleTimeoutMs: 20 },
      handler: (_, response) => {
        finish = () => void response.end("late");
      },
    });
    const session = http2(listener);
    let pings = 0;
    session.on("ping", () => {
      pings += 1;
      if (pings === 3) finish();
    });
    expect(await get(session)).toEqual({ status: 200, body: "late" });
    session.close();
  });

  it("drops a session with a stream whose peer no longer answers pings", async () => {
    const { listener } = await start({ limits: { idleTimeoutMs: 30 }, handler: () => undefined });
    const { socket, closed } = rawConnection(listener);
    socket.write(Buffer.concat([connectionPreface, emptySettings, headers(1)]));
    await closed;
    await eventually(() => expect(listener.connections).toBe(0));
  });
});

describe("failures of the handler", () => {
  const failing = { handler: () => Promise.reject(new Error("broken")) };

  it("become 500 without a word about the cause, in both protocols, and are reported", async () => {
    const { listener, reported } = await start(failing);
    const session = http2(listener);
    expect(await http1(listener)).toMatchObject({ status: 500, body: "" });
    expect(await get(session)).toEqual({ status: 500, body: "" });
    session.close();
    expect(reported.map(String)).toEqual(["Error: broken", "Error: broken"]);
  });

  it("cut the answer off when it has begun, and only that", async () => {
    const { listener } = await start({
      handler: (request, response) => {
        (response as ServerResponse).write("begun");
        if (request.url === "/") throw "not even an error";
        response.end();
      },
    });
    const session = http2(listener);
    await expect(http1(listener)).rejects.toThrow(/aborted|hang up/);
    await get(session).catch(() => undefined);
    expect(await get(session, { ":path": "/good" })).toEqual({ status: 200, body: "begun" });
    session.close();
  });
});

describe("drain", () => {
  it("ends within the bound although a session is idle, and sends it GOAWAY", async () => {
    const { listener } = await serve();
    const session = http2(listener);
    await get(session);
    const goaway = new Promise<number>((resolve) => session.once("goaway", resolve));
    await listener.drain(10_000);
    expect(await goaway).toBe(0);
    expect(listener.connections).toBe(0);
  });

  it("ends at once with idle and silent HTTP/1.1 connections", async () => {
    const { listener } = await serve();
    const idle = rawConnection(listener);
    idle.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually(() => expect(idle.received()).toContain("200"));
    const silent = rawConnection(listener);
    await eventually(() => expect(listener.connections).toBe(2));
    await listener.drain(10_000);
    await Promise.all([idle.closed, silent.closed]);
  });

  it("lets requests in progress finish in both protocols and closes after them", async () => {
    const finish: (() => void)[] = [];
    const { listener } = await serve({
      handler: (request, response) => void finish.push(() => response.end(`done ${request.httpVersion}`)),
    });
    const session = http2(listener);
    const answers = [http1(listener, { headers: { connection: "keep-alive" } }), get(session)];
    await eventually(() => expect(finish).toHaveLength(2));
    const goaway = new Promise((resolve) => session.once("goaway", resolve));
    const drained = listener.drain(10_000);
    await goaway;
    for (const end of finish) end();
    const [first, second] = await Promise.all(answers);
    expect(first).toMatchObject({ body: "done 1.1", headers: { connection: "close" } });
    expect(second).toEqual({ status: 200, body: "done 2.0" });
    await drained;
  });

  it("closes a kept-alive connection whose answer had begun before", async () => {
    let finish: () => void = () => undefined;
    const { listener } = await serve({
      handler: (_, response) => {
        (response as ServerResponse).writeHead(200, { "content-length": "2" }).write("1");
        finish = () => void response.end("2");
      },
    });
    const { socket, closed, received } = rawConnection(listener);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually(() => expect(received()).toMatch(/1$/));
    const drained = listener.drain(10_000);
    finish();
    expect(await closed).toMatch(/12$/);
    await drained;
  });

  it("cuts off what is still in progress after the grace", async () => {
    const { listener } = await serve({ handler: () => undefined });
    const session = http2(listener);
    const refused = [http1(listener), get(session)].map((answer) => answer.catch(() => "cut off"));
    await eventually(() => expect(listener.connections).toBe(2));
    await listener.drain(20);
    expect(await Promise.all(refused)).toEqual(["cut off", expect.anything()]);
    expect(listener.connections).toBe(0);
  });

  it("refuses new connections and can be asked twice", async () => {
    const { listener } = await serve();
    await Promise.all([listener.drain(1_000), listener.drain(1_000)]);
    await expect(http1(listener)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("listen", () => {
  it("says so when the port is taken", async () => {
    const { listener } = await start();
    await expect(serve({ port: listener.port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${listener.port}: another process listens there; stop it or choose another port.`,
    );
  });

  it("says so when the address is not of this machine", async () => {
    await expect(serve({ host: "192.0.2.1" })).rejects.toThrow("this machine does not have that address");
  });
});

describe("a port with TLS", () => {
  let keys: { key: string; cert: string };
  beforeAll(async () => {
    keys = await selfSigned();
  });

  it("speaks HTTP/2 and HTTP/1.1 by ALPN", async () => {
    const { listener } = await start({ tls: keys });
    const session = connectHttp2(`https://localhost:${listener.port}`, { ca: keys.cert });
    expect(await get(session)).toEqual({ status: 200, body: "2.0" });
    session.close();
    const body = await new Promise((resolve, reject) => {
      const request = httpsGet(
        { host: "127.0.0.1", port: listener.port, ca: keys.cert },
        async (response) => {
          for await (const chunk of response) resolve(String(chunk));
        },
      );
      request.on("error", reject);
    });
    expect(body).toBe("1.1");
  });

  it("refuses TLS 1.2 unless it is allowed", async () => {
    const strict = await start({ tls: keys });
    const lenient = await start({ tls: { ...keys, minVersion: "TLSv1.2" } });
    const old = { host: "localhost", ca: keys.cert, maxVersion: "TLSv1.2" as const };
    const handshake = (port: number) =>
      new Promise((resolve) => {
        const socket = connectTls({ ...old, port }, () => resolve(socket.getProtocol()));
        socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
        onTestFinished(() => void socket.destroy());
      });
    expect(await handshake(strict.listener.port)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await eventually(() => expect(strict.reported).not.toHaveLength(0));
    expect(await handshake(lenient.listener.port)).toBe("TLSv1.2");
  });

  it("requires a client certificate of its authority when asked to", async () => {
    const { listener } = await start({ tls: { ...keys, ca: keys.cert, requestClientCert: true } });
    const url = `https://localhost:${listener.port}`;
    const known = connectHttp2(url, { ca: keys.cert, ...keys });
    expect(await get(known)).toMatchObject({ status: 200 });
    known.close();
    const unknown = connectHttp2(url, { ca: keys.cert }).on("error", () => undefined);
    await expect(get(unknown)).rejects.toThrow();
  });

  it("closes a client that does not finish the handshake, and clear text", async () => {
    const { listener, reported } = await start({ tls: keys, limits: { prefaceTimeoutMs: 30 } });
    await rawConnection(listener).closed;
    const { socket, closed } = rawConnection(listener);
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await closed;
    expect(reported.length).toBeGreaterThanOrEqual(2);
  });

  it("drains with an idle session and a client in the handshake", async () => {
    const { listener } = await serve({ tls: keys });
    const session = connectHttp2(`https://localhost:${listener.port}`, { ca: keys.cert });
    await get(session);
    const silent = rawConnection(listener);
    await eventually(() => expect(listener.connections).toBe(2));
    await listener.drain(10_000);
    await silent.closed;
  });
});
