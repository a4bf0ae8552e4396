import type { HttpRule, ImageContract, ImageMethod } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";
import { ingressAccount, labelsOf, metricsReader } from "./names.js";

const apiVersion = "security.istio.io/v1";

/** Only mTLS reaches a workload. */
export function peerAuthentication(): Manifest {
  return {
    apiVersion,
    kind: "PeerAuthentication",
    metadata: { name: "default" },
    spec: { mtls: { mode: "STRICT" } },
  };
}

/** Nobody may call anything, except where another policy allows it. */
export function denyAll(): Manifest {
  return { apiVersion, kind: "AuthorizationPolicy", metadata: { name: "deny-all" }, spec: {} };
}

/** Anybody outside reaches the ingress, which routes what the contract offers and nothing else. */
export function ingressPolicy(): Manifest {
  return {
    apiVersion,
    kind: "AuthorizationPolicy",
    metadata: { name: ingressAccount },
    spec: { selector: { matchLabels: labelsOf(ingressAccount) }, action: "ALLOW", rules: [{}] },
  };
}

/** Lets each declared caller call exactly its methods of a workload. */
export function workloadPolicy(workload: string, contract: ImageContract): Manifest {
  const methods = workload === "gateway" ? offeredOutside(contract) : servedBy(workload, contract);
  const byCallers = new Map<string, ImageMethod[]>();
  for (const method of methods) {
    const callers = workload === "gateway" ? ingressAccount : [...method.callers].sort().join(",");
    byCallers.set(callers, [...(byCallers.get(callers) ?? []), method]);
  }
  const rules = [...byCallers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([callers, called]) => ({
      // A bare account is one of this policy's own namespace, whichever that is.
      from: [{ source: { serviceAccounts: callers.split(",") } }],
      to: operations(called, workload === "gateway"),
    }));
  return {
    apiVersion,
    kind: "AuthorizationPolicy",
    metadata: { name: workload },
    spec: {
      selector: { matchLabels: labelsOf(workload) },
      action: "ALLOW",
      rules: [...rules, scraping(contract)],
    },
  };
}

/** Lets Prometheus read metrics over REST, as it does everywhere. */
function scraping({ methods }: ImageContract) {
  const path = "/metrics";
  if (!methods.some(({ http }) => http.some((rule) => rule.path === path)))
    throw new Error(`the contract has nothing at ${path}`);
  return {
    from: [{ source: { serviceAccounts: [metricsReader] } }],
    to: [{ operation: { methods: ["GET"], paths: [path] } }],
  };
}

/** The methods that a workload serves to other workloads, those about itself included. */
export function servedBy(workload: string, { methods }: ImageContract): ImageMethod[] {
  return methods.filter((method) => method.workload === workload || method.workload === undefined);
}

/** The methods that the gateway serves to everybody outside. */
export function offeredOutside({ methods }: ImageContract): ImageMethod[] {
  return methods.filter(({ forwarded }) => forwarded);
}

function operations(methods: readonly ImageMethod[], rest: boolean) {
  const paths = new Map<string, Set<string>>();
  const add = (verb: string, path: string) => paths.set(verb, (paths.get(verb) ?? new Set()).add(path));
  for (const { path, noSideEffects, http } of methods) {
    add("POST", path);
    if (noSideEffects) add("GET", path);
    if (!rest) continue;
    // Browsers ask beforehand, on any path, what their pages may send.
    add("OPTIONS", path);
    for (const rule of http) {
      for (const verb of [...verbsServed(rule), "OPTIONS"]) add(verb, pathTemplate(rule.path));
    }
  }
  return [...paths]
    .sort()
    .map(([verb, found]) => ({ operation: { methods: [verb], paths: [...found].sort() } }));
}

/** The HTTP methods that a rule serves: what can be read can also be asked for its headers alone. */
export function verbsServed({ verb }: HttpRule): string[] {
  return verb === "GET" ? ["GET", "HEAD"] : [verb];
}

/** A path of the contract as Istio's template: `{id}` is one segment, `{name=**}` any number. */
export function pathTemplate(path: string): string {
  if (/:[a-z]+$/i.test(path)) throw new Error(`Istio cannot match the verb of ${path}`);
  const template = path.replaceAll(/\{[^}]*=\*\*\}/g, "{**}").replaceAll(/\{[^}=*]+(=\*)?\}/g, "{*}");
  if (/\{[^}]*[=/][^}]*\}/.test(template)) throw new Error(`Istio cannot match the variable of ${path}`);
  return template;
}
