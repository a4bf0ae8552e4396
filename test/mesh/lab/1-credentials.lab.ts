import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { Rendered } from "../../../mesh/lab/manifests.js";
import { namespace } from "../../../mesh/lab/place.js";
import {
  callerAt,
  changed,
  fromOutside,
  grpc,
  grpcStatus,
  internalToken,
  outside,
  rendered,
  settles,
  signIn,
  textOf,
  withRules,
} from "./lab.js";

const { issuer } = changed("RequestAuthentication", "engine", () => {}).spec.jwtRules[0];

describe("the issuer of tokens", () => {
  const getState = "consciousness.engine.v1.EngineService/GetState";

  it("is the one that the environment states", async () => {
    const config = rendered.find(
      ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.startsWith("consciousness-config-"),
    );
    expect(config?.data.TOKEN_ISSUER).toBe(issuer);
    expect(decodeJwt(await signIn()).iss).toBe(issuer);
    const { authorization } = await internalToken("engine");
    expect(decodeJwt(authorization.slice("Bearer ".length)).iss).toBe(issuer);
  });

  it("is the only one whose tokens the proxy of a workload lets in", async () => {
    const gateway = await callerAt("gateway");
    const call = async () =>
      gateway.call(grpc("engine", getState, { headers: await internalToken("engine") }));
    expect(grpcStatus(await call())).toBe(0);
    const other = changed("RequestAuthentication", "engine", ({ spec }) => {
      spec.jwtRules[0].issuer = "https://other.example";
    });
    await withRules([other], () =>
      settles("the proxy refuses the token", async () => {
        const reply = await call();
        const message = decodeURIComponent(reply.headers["grpc-message"] ?? "");
        return grpcStatus(reply) === 16 && message === "Jwt issuer is not configured";
      }),
    );
    await settles("the proxy lets it in again", async () => grpcStatus(await call()) === 0);
  });
});

describe("an API key", () => {
  let key = "";

  beforeAll(async () => {
    const json = { name: "lab", scopes: ["PERMISSION_AGENT_READ"] };
    const create = await fromOutside("POST", "/api/v1/auth/api-keys", { token: await signIn(), json });
    const reply = await outside().call(create);
    expect([reply.status, textOf(reply)]).toEqual([200, expect.stringContaining('"key"')]);
    key = JSON.parse(textOf(reply)).key;
  });

  const list = async (headers: Record<string, string>) =>
    outside().call(await fromOutside("GET", "/api/v1/agents", { headers }));
  const bearer = () => ({ authorization: `Bearer ${key}` });

  it("passes ingress and gateway as a bearer token and in its own header", async () => {
    expect((await list(bearer())).status).toBe(200);
    expect((await list({ "x-api-key": key })).status).toBe(200);
  });

  it("that nobody has is refused by the gateway itself", async () => {
    const unknown = `cek_abcdefgh_${"x".repeat(43)}`;
    for (const [name, value] of [
      ["authorization", `Bearer ${unknown}`],
      ["x-api-key", unknown],
    ] as const) {
      const reply = await list({ [name]: value });
      expect([reply.status, textOf(reply)]).toEqual([401, expect.stringContaining("API_KEY_INVALID")]);
    }
  });

  it("would be no bearer token any more if the proxy took every one for a JWT", async () => {
    const { spec } = changed("RequestAuthentication", "engine", () => {});
    const rule: Rendered = {
      apiVersion: "security.istio.io/v1",
      kind: "RequestAuthentication",
      metadata: { name: "gateway", namespace },
      spec: { ...spec, selector: { matchLabels: { app: "gateway" } } },
    };
    await withRules([rule], async () => {
      await settles("the proxy refuses the key", async () => {
        const reply = await list(bearer());
        return reply.status === 401 && textOf(reply).startsWith("Jwt is not in the form");
      });
      expect((await list({ "x-api-key": key })).status).toBe(200);
    });
    await settles("the gateway takes the key again", async () => (await list(bearer())).status === 200);
  });
});
