import {
  type ClientHttp2Session,
  connect as connectHttp2,
  type SecureClientSessionOptions,
} from "node:http2";
import { connect as connectTls, type PeerCertificate, type TLSSocket } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { workloadOfCertificate } from "../../../services/kit/chain/mesh-identity.js";
import { peerTransport } from "../../../services/kit/peers/transport.js";
import { noteArrival } from "../../../services/kit/serve/arrivals.js";
import type { Listener } from "../../../services/kit/serve/listen.js";
import type { Keys } from "../../../services/kit/tls/keys.js";
import { listenTls } from "../../../services/kit/tls/port.js";
import { type Authority, createAuthority, type IssuedKeys } from "../../support/authority.js";
import { eventually } from "../../support/until.js";
import { get, serve } from "../serve/clients.js";

let authority: Authority;
let agents: IssuedKeys;
let engine: IssuedKeys;
let stranger: IssuedKeys;

beforeAll(async () => {
  authority = await createAuthority();
  [agents, engine, stranger] = await Promise.all([
    authority.issue("agents"),
    authority.issue("engine"),
    createAuthority().then((other) => other.issue("engine")),
  ]);
});

/** Keys that change when told. */
function renewable(keys: Keys) {
  const appliers: ((keys: Keys) => void)[] = [];
  let current = keys;
  return {
    get current() {
      return current;
    },
    onRenewal: (apply: (keys: Keys) => void) => void appliers.push(apply),
    renew(renewed: Keys) {
      current = renewed;
      for (const apply of appliers) apply(renewed);
    },
    check: () => undefined,
    stop: () => undefined,
  };
}

/** A port of the agents workload that answers with the workload that its client proves to be. */
async function start(given: Keys, minVersion: "TLSv1.2" | "TLSv1.3" = "TLSv1.3") {
  const keys = renewable(given);
  const { listener, reported } = await serve({
    tls: listenTls({ keys, minVersion, files: {} }),
    handler: (request, response) => {
      const { meshIdentity } = noteArrival(request, { proxyHops: 0, mesh: false, internal: true });
      response.end(meshIdentity === undefined ? "nobody" : Workload[workloadOfCertificate(meshIdentity)]);
    },
  });
  onTestFinished(() => listener.drain(0));
  return { listener, keys, reported };
}

function session({ port }: Listener, options: SecureClientSessionOptions): ClientHttp2Session {
  const opened = connectHttp2(`https://localhost:${port}`, { ca: authority.cert, ...options });
  onTestFinished(() => opened.destroy());
  return opened.on("error", () => undefined);
}

/** With TLS 1.3 a client learns only after the handshake that it is not let in. */
async function refused(opened: ClientHttp2Session): Promise<boolean> {
  return get(opened).then(
    ({ status }) => status === 0,
    () => true,
  );
}

function overHttp1({ port }: Listener, options: object): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connectTls({
      host: "localhost",
      port,
      ca: authority.cert,
      ALPNProtocols: ["http/1.1"],
      ...options,
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`));
    socket.on("data", (data) => {
      text += data;
    });
    socket.once("close", () => resolve(text));
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  });
}

describe("a port that asks for client certificates", () => {
  it("knows a workload by its certificate, in both protocols and at each request of a connection", async () => {
    const { listener } = await start({ ...agents, ca: authority.cert });
    const opened = session(listener, engine);
    expect(await get(opened)).toEqual({ status: 200, body: "ENGINE" });
    expect(await get(opened)).toEqual({ status: 200, body: "ENGINE" });
    expect(await overHttp1(listener, engine)).toMatch(/ENGINE$/);
  });

  it("refuses clients without one, and with one of another authority", async () => {
    const { listener, reported } = await start({ ...agents, ca: authority.cert });
    expect(await refused(session(listener, {}))).toBe(true);
    expect(await refused(session(listener, stranger))).toBe(true);
    expect(await overHttp1(listener, {})).not.toContain("HTTP/1.1");
    expect(await overHttp1(listener, stranger)).not.toContain("HTTP/1.1");
    await eventually(() => expect(reported.length).toBeGreaterThanOrEqual(4));
  });

  it("takes nobody for a workload whose certificate names none", async () => {
    const { listener } = await start({ ...agents, ca: authority.cert });
    expect(await get(session(listener, await authority.issue()))).toEqual({ status: 200, body: "nobody" });
    const unknown = await authority.issue("somebody");
    expect(await get(session(listener, unknown))).toEqual({ status: 200, body: "UNSPECIFIED" });
  });

  it("asks nobody where it has no authorities", async () => {
    const { listener } = await start(agents);
    expect(await get(session(listener, engine))).toEqual({ status: 200, body: "nobody" });
  });
});

describe("renewed keys", () => {
  const serialOf = ({ port }: Listener) =>
    new Promise<string>((resolve, reject) => {
      const socket: TLSSocket = connectTls({ host: "localhost", port, ca: authority.cert }, () => {
        const { serialNumber }: PeerCertificate = socket.getPeerCertificate();
        socket.destroy();
        resolve(serialNumber);
      });
      socket.on("error", reject);
    });

  it("count for new connections, while open ones go on", async () => {
    const { listener, keys } = await start(agents);
    const opened = session(listener, {});
    await get(opened);
    const before = await serialOf(listener);
    keys.renew(await authority.issue("agents"));
    expect(await serialOf(listener)).not.toBe(before);
    expect(await get(opened)).toMatchObject({ status: 200 });
    expect(listener.connections).toBeGreaterThan(0);
  });

  it("may trust other clients than before", async () => {
    const { listener, keys } = await start({ ...agents, ca: authority.cert });
    const opened = session(listener, engine);
    expect(await get(opened)).toMatchObject({ status: 200 });
    const other = await createAuthority();
    keys.renew({ ...agents, ca: other.cert });
    expect(await refused(session(listener, engine))).toBe(true);
    expect(await get(session(listener, await other.issue("engine")))).toEqual({
      status: 200,
      body: "ENGINE",
    });
    expect(await get(opened)).toMatchObject({ status: 200 });
  });

  it("speak no older version than before", async () => {
    const { listener, keys } = await start(agents);
    keys.renew(await authority.issue("agents"));
    expect(await overHttp1(listener, { maxVersion: "TLSv1.2" })).toContain("protocol version");
    const lenient = await start(agents, "TLSv1.2");
    lenient.keys.renew(await authority.issue("agents"));
    expect(await overHttp1(lenient.listener, { maxVersion: "TLSv1.2" })).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe("a call to a peer", () => {
  const ask = async ({ port }: Listener, keys: { readonly current: Keys }, fastPath: boolean) => {
    const transport = peerTransport(`https://localhost:${port}`, {
      bodyLimit: 65_536,
      keys,
      fastPath,
      closed: new AbortController().signal,
    });
    const failure = await createClient(SystemService, transport)
      .getHealth({}, { timeoutMs: 5_000 })
      .catch((error: unknown) => error);
    return String(failure);
  };

  it.each([
    ["by Connect's transport", false],
    ["by our own", true],
  ])("shows our certificate, and takes the peer's only from our authorities, %s", async (_, fastPath) => {
    const seen: (string | undefined)[] = [];
    const { listener } = await serve({
      tls: listenTls({
        keys: renewable({ ...agents, ca: authority.cert }),
        minVersion: "TLSv1.3",
        files: {},
      }),
      handler: (request, response) => {
        seen.push(noteArrival(request, { proxyHops: 0, mesh: false, internal: true }).meshIdentity);
        response.writeHead(404).end();
      },
    });
    onTestFinished(() => listener.drain(0));
    expect(await ask(listener, { current: { ...engine, ca: authority.cert } }, fastPath)).toMatch(
      /unimplemented/,
    );
    expect(seen.map((element) => workloadOfCertificate(element ?? ""))).toEqual([Workload.ENGINE]);
    await ask(listener, { current: { ...engine, ca: stranger.cert } }, fastPath);
    await ask(listener, { current: { ca: authority.cert } }, fastPath);
    expect(seen).toHaveLength(1);
  });
});
