import { once } from "node:events";
import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Code } from "@connectrpc/connect";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import {
  createWirePool,
  defaultPoolLimits,
  http2ClientNames,
  http2Clients,
  type PoolLimits,
} from "../../../services/kit/peers/wire-pool.js";
import { createWireUnary } from "../../../services/kit/peers/wire-unary.js";
import { secureOptions } from "../../../services/kit/tls/peer.js";
import { selfSigned } from "../../support/certificate.js";
import { eventually } from "../../support/until.js";
import { answerWith } from "./scripted-server.js";

const { getAgent } = AgentsService.method;
let keys: { key: string; cert: string; ca: string };

beforeAll(async () => {
  const { key, cert } = await selfSigned();
  keys = { key, cert, ca: cert };
});

async function listening(server: Http2Server | Http2SecureServer, host: string): Promise<number> {
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.resume();
    answerWith(stream, stream.session?.encrypted ? "secure" : "plain");
  });
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe.each(http2ClientNames)("the %s client", (client) => {
  function callerOf(
    origin: string,
    current?: { key: string; cert: string; ca: string },
    limits?: Partial<PoolLimits>,
  ) {
    const pool = createWirePool({
      origin,
      limits: { ...defaultPoolLimits, ...limits },
      connect: http2Clients[client],
      secure: current && secureOptions({ current }),
    });
    onTestFinished(() => pool.close());
    const call = createWireUnary({ pool, bodyLimit: 65_536 });
    return async () => {
      const { message } = await call(getAgent, { id: "7" }, {});
      return (message as { agent?: { name: string } }).agent?.name;
    };
  }

  it("proves itself over TLS, and trusts whom it is told to", async () => {
    const server = createSecureServer({ ...keys, requestCert: true, rejectUnauthorized: true });
    const port = await listening(server, "127.0.0.1");
    expect(await callerOf(`https://127.0.0.1:${port}`, keys)()).toBe("secure");
    expect(await callerOf(`https://localhost:${port}`, keys)()).toBe("secure");
  });

  it("trusts no other", async () => {
    const port = await listening(createSecureServer(keys), "127.0.0.1");
    const { key, cert } = await selfSigned();
    const answer = callerOf(`https://127.0.0.1:${port}`, { key, cert, ca: cert })();
    await expect(answer).rejects.toMatchObject({ code: Code.Unavailable });
    await expect(callerOf(`https://127.0.0.1:${port}`)()).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it("is not content with a server that does not agree to HTTP/2", async () => {
    const server = createTlsServer({ ...keys, ALPNProtocols: ["http/1.1"] }).listen(0, "127.0.0.1");
    server.on("tlsClientError", () => undefined);
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const answer = callerOf(`https://127.0.0.1:${port}`, keys)();
    await expect(answer).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it("nor with one that speaks HTTP/1.1", async () => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await expect(callerOf(`http://127.0.0.1:${port}`)()).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it("reaches IPv6 addresses", async () => {
    const port = await listening(createServer(), "::1");
    expect(await callerOf(`http://[::1]:${port}`)()).toBe("plain");
  });

  it("reads its keys anew for each connection", async () => {
    const port = await listening(createSecureServer(keys), "127.0.0.1");
    let read = 0;
    const counted = {
      ...keys,
      get cert() {
        read += 1;
        return keys.cert;
      },
    };
    const call = callerOf(`https://127.0.0.1:${port}`, counted);
    expect(await call()).toBe("secure");
    expect(await call()).toBe("secure");
    const once = read;
    expect(once).toBeGreaterThan(0);
    expect(await callerOf(`https://127.0.0.1:${port}`, counted)()).toBe("secure");
    expect(read).toBe(2 * once);
  });

  it("says goodbye to a server after it had no calls for long", async () => {
    const server = createServer();
    let closed = 0;
    let goodbye = false;
    server.on("session", (session) => {
      session.on("goaway", (code) => {
        goodbye ||= code === 0;
      });
      session.on("close", () => {
        closed += 1;
      });
    });
    const port = await listening(server, "127.0.0.1");
    const call = callerOf(`http://127.0.0.1:${port}`, undefined, { pingIntervalMs: 10, idleMs: 20 });
    expect(await call()).toBe("plain");
    await eventually(() => expect([goodbye, closed]).toEqual([true, 1]));
    expect(await call()).toBe("plain");
  });
});
