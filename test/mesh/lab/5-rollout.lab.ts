import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { attempt, until } from "../../../mesh/lab/commands.js";
import { containerProcess } from "../../../mesh/lab/containers.js";
import { startReplicas } from "../../../mesh/lab/lab.js";
import type { Rendered } from "../../../mesh/lab/manifests.js";
import { namespace } from "../../../mesh/lab/place.js";
import { createPod, type Pod, removePod, runningPods, runPod } from "../../../mesh/lab/pods.js";
import { publishEndpoints } from "../../../mesh/lab/services.js";
import {
  callerAt,
  frame,
  grpc,
  grpcStatus,
  internalToken,
  logLines,
  place,
  podsOf,
  record,
  requestsTo,
  settles,
  withRules,
} from "./lab.js";

const getHealth = "consciousness.system.v1.SystemService/GetHealth";
const processCall = "consciousness.engine.v1.EngineService/Process";

/** Seconds for which a pod that is to end still takes calls: its preStop. */
const announceMs = 5000;

/** Processes that have been told to end, with what their logs said. */
const ended: { pod: Pod; lines: Awaited<ReturnType<typeof logLines>> }[] = [];
const extra: Pod[] = [];

afterEach(async () => {
  for (const pod of extra.splice(0)) await removePod(place, pod);
  await publishEndpoints(place, await runningPods(place));
});

async function canaryFile(name: string): Promise<Rendered> {
  const object = parse(
    await readFile(`${place.root}/k8s/base/generated/canary/engine/${name}`, "utf8"),
  ) as Rendered;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

const completed = (subset: string) =>
  requestsTo("gateway", `outbound|8001|${subset}|engine.${namespace}.svc.cluster.local`);

describe("a canary", () => {
  it("gets its share of the calls, and all that ask for it", async () => {
    const deployment = await canaryFile("deployment.yaml");
    deployment.spec.template.spec.volumes[0].configMap.name = "consciousness-config";
    const canary = await createPod(place, deployment);
    extra.push(canary);
    await runPod(place, canary, deployment);
    await publishEndpoints(place, await runningPods(place));
    const declared = await canaryFile("virtual-service.yaml");
    await withRules([declared], async () => {
      const { percent, calls } = await shareOfCanary();
      expect(Math.abs(percent - 10)).toBeLessThanOrEqual(2);
      await record("canary", { calls, weight: 10, percent: Number(percent.toFixed(2)), failed: 0 });
    });
    for (const { route } of declared.spec.http) {
      if (route.length > 1) [route[0].weight, route[1].weight] = [50, 50];
    }
    await withRules([declared], async () => {
      expect((await shareOfCanary()).percent).toBeGreaterThan(40);
    });
  });
});

/** Sends calls to the engine once those that ask for its canary reach it; none may fail. */
async function shareOfCanary(): Promise<{ percent: number; calls: number }> {
  const gateway = await callerAt("gateway");
  const asked = grpc("engine", getHealth, { headers: { "x-canary": "true" }, times: 20 });
  await settles("the canary is called", async () => {
    const before = await completed("canary");
    await gateway.send(asked);
    return (await completed("canary")) - before === 20;
  });
  const [stable, canary] = [await completed("stable"), await completed("canary")];
  const replies = await gateway.send(grpc("engine", getHealth, { times: 4000, concurrency: 8 }));
  expect(replies.filter((reply) => grpcStatus(reply) !== 0)).toEqual([]);
  const [toStable, toCanary] = [(await completed("stable")) - stable, (await completed("canary")) - canary];
  expect(toStable + toCanary).toBe(replies.length);
  return { percent: (100 * toCanary) / replies.length, calls: replies.length };
}

describe("a rolling update", () => {
  /** Ends a replica as Kubernetes does: out of the Service, preStop, SIGTERM. */
  async function retire(pod: Pod): Promise<void> {
    await publishEndpoints(
      place,
      (await runningPods(place)).filter(({ name }) => name !== pod.name),
    );
    await new Promise((resolve) => setTimeout(resolve, announceMs));
    const id = await containerProcess(pod);
    process.kill(id, "SIGTERM");
    await until(`${pod.name} ends`, async () => (await attempt("kill", ["-0", String(id)])).code !== 0);
    ended.push({ pod, lines: await logLines(pod) });
    await removePod(place, pod);
  }

  it("fails no call and executes none twice", async () => {
    const old = await podsOf("engine");
    const gateway = await callerAt("gateway");
    let updating = true;
    const health = gateway.send(
      grpc("engine", getHealth, { milliseconds: 60_000, concurrency: 2, everyMs: 20 }),
    );
    const marks: string[] = [];
    const processed: number[] = [];
    const judging = (async () => {
      while (updating) {
        const authorization = (await internalToken("engine")).authorization;
        for (let at = 0; at < 10 && updating; at += 1) {
          const mark = `rollout-${marks.length}`;
          marks.push(mark);
          const body = frame(EngineService.method.process.input, { input: "What is a mesh?" });
          const headers = { authorization, "x-request-id": mark };
          processed.push(
            grpcStatus(await gateway.call(grpc("engine", processCall, { headers, body, timeoutMs: 20_000 }))),
          );
        }
      }
    })();
    for (const pod of old) {
      await startReplicas(place, [{ deployment: "engine" }]);
      await retire(pod);
    }
    updating = false;
    await judging;
    const replies = await health;
    expect(
      replies.filter((reply) => grpcStatus(reply) !== 0).map(({ status, error }) => [status, error]),
    ).toEqual([]);
    expect(processed.filter((code) => code !== 0)).toEqual([]);
    const current = await Promise.all((await podsOf("engine")).map(logLines));
    const received = [...ended.flatMap(({ lines }) => lines), ...current.flat()].filter(
      ({ message, metadata }) => message === "call received" && metadata.method === processCall,
    );
    const times = marks.map(
      (mark) => received.filter(({ correlation_id }) => correlation_id === mark).length,
    );
    expect(times.filter((count) => count !== 1)).toEqual([]);
    await record("rolling update", {
      idempotentCalls: replies.length,
      otherCalls: processed.length,
      failed: 0,
      executedTwice: 0,
    });
  });
});
