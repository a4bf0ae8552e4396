import { describe, expect, it } from "vitest";
import { find } from "../../../mesh/lab/manifests.js";
import { runningPods } from "../../../mesh/lab/pods.js";
import {
  callerAt,
  changed,
  grpc,
  grpcStatus,
  hasReason,
  outside,
  place,
  rendered,
  settles,
  withoutRules,
  withRules,
} from "./lab.js";

const getState = "consciousness.engine.v1.EngineService/GetState";

const listening = (await runningPods(place)).filter(({ port }) => port !== undefined);

describe("a call without the mesh's certificate", () => {
  it.each(listening)("is refused in clear text at $name", async ({ address, port }) => {
    const reply = await outside().call({
      origin: `http://${address}:${port}`,
      method: "GET",
      path: "/livez",
    });
    expect([reply.status, reply.error]).toEqual([
      0,
      expect.stringMatching(/ECONNRESET|ERR_HTTP2|RST_STREAM/),
    ]);
  });

  it.each(listening)("is refused over TLS at $name", async ({ address, port }) => {
    const reply = await outside().call({
      origin: `https://${address}:${port}`,
      method: "GET",
      path: "/livez",
    });
    expect([reply.status, reply.error]).toEqual([
      0,
      expect.stringMatching(/ERR_SSL|ECONNRESET|EPIPE|ERR_HTTP2/),
    ]);
  });

  it("is answered once mTLS is only permitted", async () => {
    const { address, port } = listening[0]!;
    const permissive = changed("PeerAuthentication", "default", ({ spec }) => {
      spec.mtls.mode = "PERMISSIVE";
    });
    const status = async () =>
      (await outside().call({ origin: `http://${address}:${port}`, method: "GET", path: "/livez" })).status;
    await withRules([permissive], () =>
      settles("clear text is answered", async () => (await status()) !== 0),
    );
    await settles("clear text is refused again", async () => (await status()) === 0);
  });
});

describe("the identity of a caller", () => {
  /** Lets every account through to the engine, so that the service itself decides. */
  const open = changed("AuthorizationPolicy", "engine", ({ spec }) => {
    spec.rules = [{}];
  });
  const forged = (account: string) => ({
    "x-forwarded-client-cert": `By=spiffe://cluster.local/ns/consciousness-dev/sa/engine;Hash=1;URI=spiffe://cluster.local/ns/consciousness-dev/sa/${account}`,
  });

  it("reaches our services as a workload, whatever the caller claims", async () => {
    const [gateway, agents] = [await callerAt("gateway"), await callerAt("agents")];
    await withoutRules([find(rendered, "Sidecar", "agents")], () =>
      withRules([open], async () => {
        await settles("the service itself refuses agents", async () => {
          const reply = await agents.call(grpc("engine", getState));
          return grpcStatus(reply) === 7 && hasReason(reply, "CALLER_NOT_ALLOWED");
        });
        const claiming = await agents.call(grpc("engine", getState, { headers: forged("gateway") }));
        expect(hasReason(claiming, "CALLER_NOT_ALLOWED")).toBe(true);
        for (const headers of [{}, forged("agents")]) {
          const reply = await gateway.call(grpc("engine", getState, { headers }));
          expect([grpcStatus(reply), hasReason(reply, "CREDENTIALS_MISSING")]).toEqual([16, true]);
        }
      }),
    );
  });
});
