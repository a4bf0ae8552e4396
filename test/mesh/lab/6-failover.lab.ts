import { afterEach, describe, expect, it } from "vitest";
import { containerProcess } from "../../../mesh/lab/containers.js";
import { startReplicas } from "../../../mesh/lab/lab.js";
import { find } from "../../../mesh/lab/manifests.js";
import { removePod, runningPods } from "../../../mesh/lab/pods.js";
import type { Reply } from "../../../mesh/lab/requests.js";
import { publishEndpoints } from "../../../mesh/lab/services.js";
import {
  callerAt,
  changed,
  grpc,
  grpcStatus,
  place,
  podsOf,
  record,
  rendered,
  settles,
  withoutRules,
  withRules,
} from "./lab.js";

const getHealth = "consciousness.system.v1.SystemService/GetHealth";
const killAfterMs = 3000;

afterEach(async () => {
  // The replica whose process was killed has no container any more.
  for (const pod of await podsOf("engine")) {
    const lives = await containerProcess(pod).then(
      () => true,
      () => false,
    );
    if (!lives) await removePod(place, pod);
  }
  const missing = 2 - (await podsOf("engine")).length;
  await startReplicas(
    place,
    Array.from({ length: missing }, () => ({ deployment: "engine" })),
  );
  await publishEndpoints(place, await runningPods(place));
});

const failed = (reply: Reply) => grpcStatus(reply) !== 0;

const load = { concurrency: 4, everyMs: 20, milliseconds: 15_000 };
const onceHeader = { "x-once": "true" };

/** The same method, once as the contract has it and once as one that may not be repeated. */
const once = changed("VirtualService", "engine", ({ spec }) => {
  const [route] = spec.http.filter(({ name }: { name: string }) => name === "SystemService.GetHealth");
  spec.http.unshift({
    ...structuredClone(route),
    name: "once",
    match: [{ ...route.match[0], headers: { "x-once": { exact: "true" } } }],
    retries: { attempts: 0 },
  });
});

/** Kills a replica of the engine under load; says what came back of each kind of call, and when calls failed last. */
async function killUnderLoad() {
  const gateway = await callerAt("gateway");
  await settles(
    "calls are answered",
    async () => !failed(await gateway.call(grpc("engine", getHealth, { headers: onceHeader }))),
  );
  const [victim] = await podsOf("engine");
  const id = await containerProcess(victim!);
  const both = Promise.all([
    gateway.send(grpc("engine", getHealth, load)),
    gateway.send(grpc("engine", getHealth, { ...load, headers: onceHeader })),
  ]);
  await new Promise((resolve) => setTimeout(resolve, killAfterMs));
  process.kill(id, "SIGKILL");
  const [retried, single] = await both;
  const failures = single.filter(failed).map(({ startedMs, tookMs }) => startedMs + tookMs - killAfterMs);
  return { retried, single, failures, failoverMs: Math.max(0, ...failures) };
}

describe("a replica that is killed under load", () => {
  it("fails no idempotent call that it was not just answering, and others for less than five seconds", async () => {
    await withRules([once], async () => {
      const { retried, single, failures, failoverMs } = await killUnderLoad();
      // Of an answer that has begun, headers are with the caller already, and no proxy can begin anew.
      const begun = (reply: Reply) => reply.status === 200 && reply.error !== "" && grpcStatus(reply) === -1;
      const lost = retried.filter(failed);
      expect(lost.filter((reply) => !begun(reply))).toEqual([]);
      // No more than one for each that the load keeps in flight.
      expect(lost.length).toBeLessThanOrEqual(load.concurrency);
      expect(failoverMs).toBeLessThan(5000);
      await record("failover", {
        idempotentCalls: retried.length,
        idempotentCutOff: lost.length,
        otherCalls: single.length,
        otherFailed: failures.length,
        errorRatePercent: Number(((100 * failures.length) / single.length).toFixed(2)),
        failoverMs: Math.round(failoverMs),
      });
    });
  });

  it("fails calls on and on where nothing ejects it", async () => {
    const patient = changed("DestinationRule", "engine", ({ spec }) => {
      spec.trafficPolicy.outlierDetection = undefined;
    });
    await withoutRules([find(rendered, "EnvoyFilter", "failure-percentage")], () =>
      withRules([once, patient], async () => {
        expect((await killUnderLoad()).failoverMs).toBeGreaterThan(5000);
      }),
    );
  });
});
