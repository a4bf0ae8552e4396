import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { Store } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type WorkloadName, workloadProfile, workloads } from "../../services/kit/contract/workloads.js";

interface Rule {
  readonly to: readonly { readonly podSelector: { readonly matchLabels: { readonly app: string } } }[];
  readonly ports: readonly { readonly port: number }[];
}

/** Where a pod may connect to: `redis:6379`. */
function egressOf(name: WorkloadName): string[] {
  const documents = parseAllDocuments(readFileSync(`k8s/base/generated/${name}.yaml`, "utf8"));
  const policy = documents.map((document) => document.toJS()).find(({ kind }) => kind === "NetworkPolicy");
  const rules: readonly Rule[] = policy.spec.egress;
  return rules.flatMap(({ to, ports }) =>
    to.flatMap(({ podSelector }) => ports.map(({ port }) => `${podSelector.matchLabels.app}:${port}`)),
  );
}

it.each([
  ["postgres:5432", Store.DATABASE],
  ["nats:4222", Store.BUS],
  ["redis:6379", Store.CACHE],
])("lets exactly the workloads that state the store reach %s", (address, store) => {
  const admitted = [...workloads.keys()].filter((name) => egressOf(name).includes(address));
  const stating = [...workloads].filter(([, one]) => workloadProfile(one).stores.includes(store));
  expect(admitted).toEqual(stating.map(([name]) => name));
  expect(admitted.length).toBeGreaterThan(0);
});

it("keeps auth and agents from the cache, which they do not use", () => {
  expect(egressOf("auth")).not.toContain("redis:6379");
  expect(egressOf("agents")).not.toContain("redis:6379");
});
