import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { startReplicas } from "../../../mesh/lab/lab.js";
import { find } from "../../../mesh/lab/manifests.js";
import { createPod, removePod, runningPods } from "../../../mesh/lab/pods.js";
import { publishEndpoints } from "../../../mesh/lab/services.js";
import { methods, restCalls } from "../rules.js";
import {
  changed,
  fromOutside,
  outside,
  place,
  podsOf,
  record,
  rendered,
  settles,
  signIn,
  withoutRules,
  withRules,
} from "./lab.js";

/** Over REST, what agents offer: a verb and path for each, and whether the contract lets it be repeated. */
const calls = methods
  .filter(({ name, forwarded }) => forwarded && name.includes("AgentsService"))
  .flatMap((method) => restCalls(method).map((call) => ({ ...call, idempotent: method.idempotent })));
const title = ({ verb, path }: { verb: string; path: string }) => `${verb} ${path}`;
const repeatable = calls.filter(({ idempotent }) => idempotent);
const others = calls.filter(({ idempotent }) => !idempotent);

let token = "";

beforeAll(async () => {
  token = await signIn();
});

/** Statuses of a request sent often enough to meet every replica of the gateway. */
async function statuses({ verb, path }: { verb: string; path: string }, times = 24): Promise<number[]> {
  const body = verb === "GET" || verb === "DELETE" ? {} : { json: {} };
  const load = await fromOutside(verb, path, { token, ...body });
  return (await outside().send({ ...load, times, concurrency: 4 })).map(({ status }) => status);
}

const failsNow = async (call: { verb: string; path: string }) => (await statuses(call, 6)).includes(503);

/** Without ejection the replica stays, and retries alone decide. */
const withoutCircuits = (work: () => Promise<void>, rules: Parameters<typeof withRules>[0] = []) => {
  const patient = changed("DestinationRule", "gateway", ({ spec }) => {
    spec.trafficPolicy.outlierDetection = undefined;
  });
  return withoutRules([find(rendered, "EnvoyFilter", "failure-percentage")], () =>
    withRules([patient, ...rules], work),
  );
};

it("the contract has REST calls of both kinds", () => {
  expect(repeatable.length).toBeGreaterThan(0);
  expect(others.length).toBeGreaterThan(0);
});

describe.each([
  {
    replica: "answers 503",
    arrange: async () => {
      await startReplicas(place, [{ deployment: "gateway", environment: { AUTH_URL: "http://auth:9" } }]);
    },
  },
  {
    replica: "refuses connections",
    arrange: async () => {
      // A pod with an address, where nothing runs.
      await createPod(place, find(rendered, "Deployment", "gateway"));
      await publishEndpoints(place, await runningPods(place));
    },
  },
])("a gateway replica that $replica", ({ replica, arrange }) => {
  afterEach(async () => {
    for (const pod of (await podsOf("gateway")).slice(1)) await removePod(place, pod);
    await publishEndpoints(place, await runningPods(place));
  });

  it("fails at most one idempotent REST call in ten, and others without a second attempt", async () => {
    await arrange();
    await withoutCircuits(async () => {
      let seen = false;
      await settles("the replica is called", async () => {
        seen ||= await failsNow(others[0]!);
        return seen;
      });
      const answers: number[] = [];
      for (const call of repeatable) answers.push(...(await statuses(call)));
      // A replica that fails at once looks idle, so that Envoy prefers it: three attempts may all meet it,
      // by some two or three calls in a hundred, until it is ejected, which is switched off here.
      expect(answers.filter((status) => status === 503).length).toBeLessThanOrEqual(answers.length / 10);
      for (const call of others)
        expect([title(call), (await statuses(call)).includes(503)]).toEqual([title(call), true]);
    });
    await record(`REST retries: a replica that ${replica}`, {
      repeated: repeatable.length,
      notRepeated: others.length,
    });
  });

  it("fails idempotent REST calls too where nothing is retried", async () => {
    await arrange();
    const never = changed("VirtualService", "gateway", ({ spec }) => {
      for (const route of spec.http) route.retries = { attempts: 0 };
    });
    await withoutCircuits(async () => {
      let seen = false;
      await settles("a call fails", async () => {
        seen ||= await failsNow(repeatable[0]!);
        return seen;
      });
    }, [never]);
  });
});
