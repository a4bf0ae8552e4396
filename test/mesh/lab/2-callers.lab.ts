import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LabCaller } from "../../../mesh/lab/caller.js";
import { type Pod, removePod } from "../../../mesh/lab/pods.js";
import type { Reply } from "../../../mesh/lab/requests.js";
import { mayCall, methods, names, restCalls, serversOf } from "../rules.js";
import {
  callerAt,
  callerIn,
  changed,
  fromOutside,
  grpc,
  grpcStatus,
  isRefused,
  originOf,
  outside,
  place,
  record,
  rendered,
  settles,
  textOf,
  withRules,
} from "./lab.js";
import { startStranger } from "./stranger.js";

const internal = names.filter((name) => name !== "gateway");
const sidecars = rendered.filter(({ kind }) => kind === "Sidecar");
let stranger: Pod;

/** Lets a proxy know every Service, so that only the callee's policy stands in the way. */
const allKnown = sidecars.map(({ metadata }) =>
  changed("Sidecar", metadata.name, ({ spec }) => {
    spec.egress = [{ hosts: ["./*", "observability/*"] }];
  }),
);

beforeAll(async () => {
  stranger = await startStranger();
});

afterAll(() => removePod(place, stranger));

async function callersByName(): Promise<Map<string, LabCaller>> {
  const own = await Promise.all(names.map(async (name) => [name, await callerAt(name)] as const));
  return new Map<string, LabCaller>([...own, ["stranger", callerIn(stranger.netns)]]);
}

const connectGet = (workload: string, path: string) => ({
  origin: originOf(workload),
  method: "GET",
  path: `${path}?connect=v1&encoding=json&message=%7B%7D`,
});

/** Whether the workload itself answered, rather than a proxy. */
const reached = (reply: Reply) => !isRefused(reply) && "x-envoy-upstream-service-time" in reply.headers;

describe("in the mesh", () => {
  it("exactly the declared callers of every method reach every workload that serves it", async () => {
    const callers = await callersByName();
    /** What is wrong about the answers to a caller that asks a workload for a method; empty when nothing is. */
    const ask = async (name: string, callee: (typeof internal)[number], method: (typeof methods)[number]) => {
      const caller = callers.get(name)!;
      const served = serversOf(method).includes(callee);
      const allowed = served && names.includes(name as never) && mayCall(name as never, method);
      // What a workload does not serve has no route, so the caller's own proxy answers.
      const kept = (reply: Reply) => (served ? isRefused(reply) : !reached(reply));
      // A second call of an unsafe method is no worry: none of these bodies is a valid request of one.
      const post = await caller.call(grpc(callee, method.name));
      const get = await caller.call(connectGet(callee, `/${method.name}`));
      const wanted = [allowed, allowed && method.noSideEffects];
      const got = [post, get].map((reply) =>
        reached(reply) ? true : kept(reply) ? false : `${reply.status} ${reply.error}`,
      );
      const right = JSON.stringify(got) === JSON.stringify(wanted);
      return right ? "" : `${name} → ${callee} ${method.name}: ${got}, not ${wanted}`;
    };
    let asked = 0;
    await withRules(allKnown, async () => {
      await settles("agents know the engine", async () =>
        isRefused(
          await callers.get("agents")!.call(grpc("engine", "consciousness.engine.v1.EngineService/GetState")),
        ),
      );
      for (const name of callers.keys()) {
        for (const callee of internal) {
          for (const method of methods) {
            asked += 2;
            const wrong = await ask(name, callee, method);
            // The test before may have changed a policy, and a proxy not have taken the old one back yet.
            if (wrong) await settles(wrong, async () => (await ask(name, callee, method)) === "");
          }
        }
      }
    });
    await record("caller matrix", { calls: asked, callers: callers.size, methods: methods.length });
  });

  it("nobody reaches the gateway but the ingress, over RPC and REST alike", async () => {
    const callers = await callersByName();
    const refused: boolean[] = [];
    await withRules(allKnown, async () => {
      await settles("auth knows the gateway", async () =>
        isRefused(await callers.get("auth")!.call(grpc("gateway", methods[0]!.name))),
      );
      for (const caller of callers.values()) {
        for (const method of methods) {
          refused.push(isRefused(await caller.call(grpc("gateway", method.name))));
          for (const { verb, path } of restCalls(method)) {
            refused.push(isRefused(await caller.call({ origin: originOf("gateway"), method: verb, path })));
          }
        }
      }
    });
    expect(refused.length).toBeGreaterThan(100);
    expect(refused.filter((one) => !one)).toEqual([]);
  });

  it("a proxy does not even know whom its workload never calls", async () => {
    const callers = await callersByName();
    for (const [caller, callee] of [
      ["agents", "engine"],
      ["auth", "agents"],
      ["engine", "gateway"],
    ] as const) {
      await settles(`${caller} does not know ${callee}`, async () => {
        const reply = await callers.get(caller)!.call(grpc(callee, methods[0]!.name));
        return !isRefused(reply) && !("x-envoy-upstream-service-time" in reply.headers);
      });
    }
  });

  it("another account in a policy turns the answers round", async () => {
    const other = changed("AuthorizationPolicy", "engine", ({ spec }) => {
      for (const { from } of spec.rules) from[0].source.serviceAccounts = ["agents"];
    });
    const getState = "consciousness.engine.v1.EngineService/GetState";
    const [gateway, agents] = [await callerAt("gateway"), await callerAt("agents")];
    await withRules([...allKnown, other], async () => {
      await settles("the gateway is refused", async () =>
        isRefused(await gateway.call(grpc("engine", getState))),
      );
      await settles("agents are let in", async () => reached(await agents.call(grpc("engine", getState))));
    });
    await settles(
      "the gateway is let in again",
      async () => grpcStatus(await gateway.call(grpc("engine", getState))) === 16,
    );
  });
});

describe("from outside", () => {
  it.each(methods.map((method) => [method.name, method] as const))(
    "%s is offered as declared",
    async (name, method) => {
      const calls = [{ verb: "POST", path: `/${name}` }, ...restCalls(method)];
      for (const { verb, path } of calls) {
        const load = await fromOutside(verb, path, verb === "GET" || verb === "DELETE" ? {} : { json: {} });
        const reply = await outside().call(load);
        const where = [verb, path, reply.status, textOf(reply).slice(0, 60)];
        expect([...where, reached(reply)]).toEqual([...where, method.forwarded]);
      }
    },
  );

  it("nothing else is routed", async () => {
    for (const path of ["/", "/grpc.health.v1.Health/Check", "/api/v1/agents/a/b", "/debug"]) {
      const reply = await outside().call(await fromOutside("GET", path));
      expect([path, reply.status, reached(reply)]).toEqual([path, 404, false]);
    }
  });

  it("what no route names is stopped at the gateway too, should one lead there", async () => {
    const everything = changed("VirtualService", "gateway", ({ spec }) => {
      spec.http.push({ match: [{ uri: { prefix: "/" } }], route: spec.http[0].route });
    });
    const debug = await fromOutside("GET", "/debug");
    await withRules([everything], () =>
      settles("the gateway's policy refuses", async () => isRefused(await outside().call(debug))),
    );
    await settles("nothing is routed again", async () => (await outside().call(debug)).status === 404);
  });

  it("another host is not served", async () => {
    const load = await fromOutside("GET", "/livez");
    expect((await outside().call({ ...load, authority: "other.example" })).status).toBe(404);
  });
});
