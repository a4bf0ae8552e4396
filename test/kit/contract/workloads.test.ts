import { describe, expect, it } from "vitest";
import { Store, Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { operatorMethods } from "../../../services/kit/contract/operator-services.js";
import { workloadName, workloadProfile, workloads } from "../../../services/kit/contract/workloads.js";

describe("workloads", () => {
  it("are those of the contract, in the order of their ports, each with one of its own", () => {
    expect([...workloads.keys()]).toEqual(["gateway", "engine", "agents", "analytics", "auth"]);
    const ports = [...workloads.values()].map((workload) => workloadProfile(workload).port);
    expect(ports).toEqual([...new Set(ports)].sort());
  });

  it("have names that lead back to them", () => {
    for (const [name, workload] of workloads) expect(workloadName(workload)).toBe(name);
  });

  it("are called nobody when unproven or unknown", () => {
    expect([workloadName(Workload.UNSPECIFIED), workloadName(99 as Workload)]).toEqual(["nobody", "nobody"]);
  });

  it("say which stores they need", () => {
    expect(workloadProfile(Workload.AGENTS).stores).toEqual([Store.DATABASE, Store.BUS]);
    expect(workloadProfile(Workload.GATEWAY).stores).toEqual([Store.BUS, Store.CACHE]);
  });
});

describe("services of operators", () => {
  it("are served by every process, to everybody, and never forwarded", () => {
    for (const contract of operatorMethods().values()) {
      expect(contract).toMatchObject({ workload: undefined, access: { kind: "public" }, forwarded: false });
    }
  });

  it("have a deadline unless they stream", () => {
    const methods = operatorMethods();
    expect(methods.get(Health.method.check)?.deadlineMs).toBe(5000);
    expect(methods.get(Health.method.watch)?.deadlineMs).toBeUndefined();
  });
});
