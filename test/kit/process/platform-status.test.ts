import { create } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { GetStatusResponseSchema, ServingStatus } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { workloads } from "../../../services/kit/contract/workloads.js";
import { errors } from "../../../services/kit/errors.js";
import type { PeersOf } from "../../../services/kit/peers/network.js";
import { platformStatus } from "../../../services/kit/process/platform-status.js";

const caller = { values: createContextValues(), signal: new AbortController().signal };
const clock = { now: () => 0, monotonic: () => 0 };

/** A workload whose database answers, or does not. */
function answer(databaseServes = true) {
  const status = databaseServes ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  return create(GetStatusResponseSchema, {
    uptimeSeconds: 5,
    versions: { node: "20" },
    dependencies: [
      { name: "database", status },
      { name: "events", status: ServingStatus.NOT_SERVING, optional: true },
    ],
  });
}

/** Peers of which each does as told. */
function peersWith(answers: Partial<Record<Workload, () => Promise<unknown>>>): PeersOf {
  const peers = (_: unknown, at: Workload | undefined) => ({
    getStatus: answers[at ?? Workload.UNSPECIFIED] ?? (async () => answer()),
  });
  return peers as unknown as PeersOf;
}

describe("the status of the platform", () => {
  it("has every workload, in memory or not, and whether it lacks what it needs", async () => {
    const local = new Map([["gateway" as const, async () => answer()]]);
    const peers = peersWith({
      [Workload.GATEWAY]: () => Promise.reject(new Error("asked itself over a wire")),
      [Workload.AGENTS]: async () => answer(false),
    });
    const told = await platformStatus({ local, peers, clock })(caller);
    expect(told.map(({ workload }) => workload)).toEqual([...workloads.keys()]);
    const statuses = Object.fromEntries(told.map(({ workload, status }) => [workload, status]));
    expect(statuses).toMatchObject({
      gateway: ServingStatus.SERVING,
      engine: ServingStatus.SERVING,
      agents: ServingStatus.NOT_SERVING,
    });
    expect(told[1]).toMatchObject({ uptimeSeconds: 5, versions: { node: "20" }, failure: "" });
  });

  it("says which workload does not answer, and of it nothing else", async () => {
    const peers = peersWith({
      [Workload.ENGINE]: () => Promise.reject(errors.dependencyUnavailable({ dependency: "engine" })),
      [Workload.AUTH]: () => Promise.reject(new Error("at http://10.0.0.1:8006")),
      [Workload.AGENTS]: () => new Promise(() => {}),
    });
    const told = await platformStatus({ local: new Map(), peers, clock, boundMs: 20 })(caller);
    const byName = Object.fromEntries(told.map((one) => [one.workload, one]));
    const silent = { status: ServingStatus.UNSPECIFIED, dependencies: [] };
    expect(byName.engine).toMatchObject({ ...silent, failure: "DEPENDENCY_UNAVAILABLE" });
    expect(byName.engine?.versions).toBeUndefined();
    expect(byName.auth).toMatchObject({ ...silent, failure: "INTERNAL" });
    expect(byName.agents).toMatchObject({ ...silent, failure: "DEADLINE_EXCEEDED" });
    expect(byName.gateway).toMatchObject({ status: ServingStatus.SERVING, failure: "" });
  });
});
