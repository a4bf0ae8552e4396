import { getOption } from "@bufbuild/protobuf";
import {
  Workload,
  type WorkloadProfile,
  WorkloadSchema,
  workload as workloadOption,
} from "#gen/ts/consciousness/contract/v1/workload_pb.js";

/** Name of a workload on the command line and in tokens: `engine`. */
export type WorkloadName = Lowercase<Exclude<keyof typeof Workload, "UNSPECIFIED">>;

/** Every workload by name, in the order of its port. */
export const workloads: ReadonlyMap<WorkloadName, Workload> = new Map(
  WorkloadSchema.values
    .filter((value) => value.number !== Workload.UNSPECIFIED)
    .map((value) => [value.localName.toLowerCase() as WorkloadName, value.number as Workload]),
);

/** Name of a workload; `nobody` for UNSPECIFIED. */
export function workloadName(workload: Workload): WorkloadName | "nobody" {
  const value = WorkloadSchema.value[workload];
  if (!value || workload === Workload.UNSPECIFIED) return "nobody";
  return value.localName.toLowerCase() as WorkloadName;
}

/** What a workload needs from its surroundings. */
export function workloadProfile(workload: Workload): WorkloadProfile {
  return getOption(WorkloadSchema.value[workload]!, workloadOption);
}
