import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import type { CollectedSpan } from "../../../mesh/lab/collector.js";
import { until } from "../../../mesh/lab/commands.js";
import { spansFile } from "../../../mesh/lab/lab.js";
import { find } from "../../../mesh/lab/manifests.js";
import { workloadName } from "../../../services/kit/contract/workloads.js";
import { methods, names } from "../rules.js";
import {
  callerAt,
  fromOutside,
  grpc,
  outside,
  place,
  record,
  rendered,
  signIn,
  textOf,
  withoutRules,
} from "./lab.js";

async function collected(): Promise<CollectedSpan[]> {
  const text = await readFile(spansFile(place), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CollectedSpan);
}

const serverKind = 2;
const consumerKind = 5;

/** `engine.consciousness-dev` of a proxy and `engine` of the workload are both the engine. */
const ownerOf = ({ service }: CollectedSpan) => service.split(".")[0]!;

/** Who called whom, as spans of one have spans of the other for parents. Who reads an event was not called. */
function edgesOf(spans: readonly CollectedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const edges = spans.flatMap((span) => {
    const parent = span.kind === consumerKind ? undefined : byId.get(span.parentSpanId);
    return parent && ownerOf(parent) !== ownerOf(span) ? [`${ownerOf(parent)} ${ownerOf(span)}`] : [];
  });
  return [...new Set(edges)].sort();
}

/** The call graph of the contract; calls of a workload to itself stay in its memory. */
const declared = names.flatMap((caller) =>
  names
    .filter((callee) => callee !== caller)
    .filter((callee) =>
      methods.some(
        ({ workload, callers }) =>
          workload !== undefined &&
          workloadName(workload) === callee &&
          [...callers].some((one) => workloadName(one) === caller),
      ),
    )
    .map((callee) => `${caller} ${callee}`),
);

it("a question is one trace through ingress, gateway, engine and agents, along the call graph", async () => {
  const token = await signIn();
  const agent = { name: `traced ${Date.now()}`, agent_type: "assistant", status: "AGENT_STATUS_ACTIVE" };
  const made = await outside().call(await fromOutside("POST", "/api/v1/agents", { token, json: agent }));
  expect([made.status, textOf(made).slice(0, 300)]).toEqual([200, expect.any(String)]);
  const json = { agent_id: JSON.parse(textOf(made)).id, input: "What is a service mesh?" };
  const asked = await fromOutside("POST", "/api/v1/consciousness/process", { token, json });
  const reply = await outside().call({ ...asked, timeoutMs: 30_000 });
  expect([reply.status, textOf(reply).slice(0, 300)]).toEqual([200, expect.any(String)]);
  let trace: CollectedSpan[] = [];
  await until(
    "the spans arrive",
    async () => {
      const spans = await collected();
      const root = spans.findLast(
        ({ name, service }) => service.startsWith("engine") && name.endsWith("EngineService/Process"),
      );
      trace = spans.filter(({ traceId }) => traceId === root?.traceId);
      return edgesOf(trace).includes("engine agents") && edgesOf(trace).includes("ingress gateway");
    },
    { timeoutMs: 60_000, intervalMs: 1000 },
  );
  const edges = edgesOf(trace).filter((edge) => edge !== "ingress gateway");
  expect(edges.filter((edge) => !declared.includes(edge))).toEqual([]);
  expect(edges).toEqual(expect.arrayContaining(["engine agents", "gateway engine"]));
  await record("trace of a question", { spans: trace.length, edges: edgesOf(trace).join(", ") });
});

const isProxy = ({ service }: CollectedSpan) => service.includes(".");

/** Who called whom among the workloads themselves: clients that tests put in their place leave no spans there. */
function workloadEdges(spans: readonly CollectedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const edges = spans.flatMap((span) => {
    // An event makes an edge too, from its writer to its reader, which is no call.
    if (isProxy(span) || span.kind !== serverKind) return [];
    let above = byId.get(span.parentSpanId);
    while (above && isProxy(above)) above = byId.get(above.parentSpanId);
    return above && above.service !== span.service ? [`${above.service} ${span.service}`] : [];
  });
  return [...new Set(edges)].sort();
}

it("all traces together have the edges of the call graph and no other", async () => {
  const figures = await fromOutside("GET", "/api/v1/analytics/metrics", { token: await signIn() });
  expect((await outside().call(figures)).status).toBe(200);
  let edges: string[] = [];
  await until(
    "the spans of every edge arrive",
    async () => {
      edges = workloadEdges(await collected());
      return edges.length >= declared.length;
    },
    { timeoutMs: 30_000, intervalMs: 1000 },
  ).catch(() => undefined);
  expect(edges).toEqual([...declared].sort());
});

it("proxies send no spans where nothing tells them to", async () => {
  const gateway = await callerAt("gateway");
  /** Whose spans a call leaves, as far as they have arrived. */
  const traced = async () => {
    const traceId = randomBytes(16).toString("hex");
    const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString("hex")}-01` };
    await gateway.call(grpc("engine", "consciousness.system.v1.SystemService/GetHealth", { headers }));
    return async () => {
      const spans = (await collected()).filter((span) => span.traceId === traceId);
      return { workload: spans.some(({ service }) => service === "engine"), proxies: spans.some(isProxy) };
    };
  };
  const arrived = async (spans: Awaited<ReturnType<typeof traced>>, wanted: object) =>
    JSON.stringify(await spans()) === JSON.stringify(wanted);
  const patience = { timeoutMs: 90_000, intervalMs: 1000 };
  let silent = await traced();
  await withoutRules([find(rendered, "Telemetry", "default")], async () => {
    await until(
      "the workload's spans arrive alone",
      async () => {
        silent = await traced();
        // Twice as long as proxies keep spans before they send them.
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        return arrived(silent, { workload: true, proxies: false });
      },
      patience,
    );
  });
  const heard = await traced();
  await until("the proxies' spans arrive too", async () => (await heard()).proxies, patience).catch(
    async () => {
      const later = await traced();
      await until("the proxies' spans arrive too", async () => (await later()).proxies, patience);
    },
  );
  expect(await silent()).toEqual({ workload: true, proxies: false });
});
