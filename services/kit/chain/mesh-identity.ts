import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";

const spiffe = /^spiffe:\/\/([^/]+\/ns\/[^/]+)\/sa\/([a-z0-9-]+)$/;

/**
 * The workload of an element of `x-forwarded-client-cert`, which Envoy writes
 * as `By=…;Hash=…;Subject="…";URI=…`. Service accounts are named after
 * workloads, so only one of our own trust domain and namespace, which `By`
 * tells, is ours; UNSPECIFIED for any other.
 */
export function workloadOfCertificate(element: string): Workload {
  const pairs = splitFromEnd(element, ";");
  const own = identityOf(pairs, "By");
  const caller = identityOf(pairs, "URI");
  if (!own || !caller || own.namespace !== caller.namespace) return Workload.UNSPECIFIED;
  return workloads.get(caller.account as WorkloadName) ?? Workload.UNSPECIFIED;
}

/**
 * The last element of `x-forwarded-client-cert`. Only that one was written by
 * the sidecar before us; what stands before it came from outside, so it is read
 * from the end, where an unclosed quotation of a stranger has no say.
 */
export function lastCertificate(header: string): string | undefined {
  return splitFromEnd(header, ",", 1)[0]?.trim() || undefined;
}

/** The same for a certificate that we saw ourselves; undefined unless both are SPIFFE ids of service accounts. */
export function certificateElement(own: string, caller: string): string | undefined {
  return spiffe.test(own) && spiffe.test(caller) ? `By=${own};URI=${caller}` : undefined;
}

/** SPIFFE id of the caller in such an element; undefined unless it has exactly one. */
export function callerOfCertificate(element: string): string | undefined {
  return oneOf(splitFromEnd(element, ";"), "URI");
}

/**
 * The same of a client from elsewhere; undefined for accounts of the own
 * namespace, whose proxies stand before the gateway for everybody outside.
 */
export function clientOfCertificate(element: string): string | undefined {
  const pairs = splitFromEnd(element, ";");
  const own = identityOf(pairs, "By");
  const caller = identityOf(pairs, "URI");
  return own && caller?.namespace === own.namespace ? undefined : oneOf(pairs, "URI");
}

function identityOf(pairs: readonly string[], key: string) {
  const [, namespace, account] = spiffe.exec(oneOf(pairs, key) ?? "") ?? [];
  return namespace && account ? { namespace, account } : undefined;
}

function oneOf(pairs: readonly string[], key: string): string | undefined {
  const values = pairs.filter((pair) => pair.startsWith(`${key}=`)).map((pair) => pair.slice(key.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/** Parts between separators outside double quotes, last first, at most `bound` of them. */
export function splitFromEnd(text: string, separator: string, bound = Number.POSITIVE_INFINITY): string[] {
  const parts: string[] = [];
  let quoted = false;
  let end = text.length;
  for (let at = text.length - 1; at >= 0 && parts.length < bound; at -= 1) {
    if (text[at] === '"' && text[at - 1] !== "\\") quoted = !quoted;
    if (quoted || text[at] !== separator) continue;
    parts.push(text.slice(at + 1, end));
    end = at;
  }
  return parts.length < bound ? [...parts, text.slice(0, end)] : parts;
}
