import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";

// One element of x-forwarded-client-cert; service accounts are named after workloads.
const spiffe = /(?:^|;)URI=spiffe:\/\/[^/;"]+\/ns\/[^/;"]+\/sa\/([a-z0-9-]+)(?:;|$)/;

/** The workload of a SPIFFE identity that the sidecar forwarded; UNSPECIFIED when it names none of ours. */
export function workloadOfCertificate(element: string): Workload {
  const account = spiffe.exec(element)?.[1];
  return workloads.get(account as WorkloadName) ?? Workload.UNSPECIFIED;
}
