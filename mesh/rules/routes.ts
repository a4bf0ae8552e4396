import type {
  HttpRule,
  ImageContract,
  ImageMethod,
  ImageWorkload,
} from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";
import { offeredOutside, pathTemplate, servedBy, verbsServed } from "./authorization.js";
import { ingressGateway } from "./names.js";

/** How much longer Envoy waits than the callee, in milliseconds, so that the callee's typed error arrives. */
const graceMs = 250;
/** Attempts after the first. */
const retryAttempts = 2;
/** gRPC's own conditions, then those of plain HTTP, which Connect and REST speak. */
const retryOn = "unavailable,cancelled,reset,refused-stream,connect-failure,503";
/** Sends a single request to the canary, whatever its weight. */
const canaryHeader = { "x-canary": { exact: "true" } };

/** How a canary takes part in a workload's routes. */
export interface Canary {
  /** Percentage of calls that it answers. */
  readonly weight: number;
}

/** One route for each method of a workload: its deadline and whether it is retried. */
export function workloadRoutes(workload: ImageWorkload, contract: ImageContract, canary?: Canary): Manifest {
  const gateway = workload.name === "gateway";
  const methods = gateway ? offeredOutside(contract) : servedBy(workload.name, contract);
  const asked = new Set<string>();
  const routes = methods
    .flatMap((method) => [
      rpcRoute(method),
      ...(gateway ? method.http.map((rule) => restRoute(method, rule, asked)) : []),
    ])
    // The first match wins, so what is spelled out goes before what is a pattern.
    .sort((a, b) => Number(isPattern(a)) - Number(isPattern(b)));
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: workload.name },
    spec: {
      ...(gateway ? { hosts: ["*"], gateways: [ingressGateway] } : { hosts: [workload.name] }),
      http: canary
        ? withCanary(routes, workload, canary)
        : routes.map((route) => ({ ...route, route: [to(workload)] })),
    },
  };
}

function withCanary(routes: readonly Route[], workload: ImageWorkload, { weight }: Canary) {
  const asked = routes.map(({ name, match, ...policy }) => ({
    name: `${name} canary`,
    match: match.map((one) => ({ ...one, headers: canaryHeader })),
    ...policy,
    route: [to(workload, "canary")],
  }));
  const split = [
    { ...to(workload, "stable"), weight: 100 - weight },
    { ...to(workload, "canary"), weight },
  ];
  return [...asked, ...routes.map((route) => ({ ...route, route: split }))];
}

function to({ name, port }: ImageWorkload, subset?: string) {
  return { destination: { host: name, port: { number: port }, ...(subset ? { subset } : {}) } };
}

function rpcRoute(method: ImageMethod) {
  return {
    name: routeName(method),
    match: [{ uri: { exact: method.path } as UriMatch }],
    ...callPolicy(method),
  };
}

/** The first rule of a path also takes what browsers ask beforehand of the whole path. */
function restRoute(method: ImageMethod, rule: HttpRule, asked: Set<string>) {
  const template = pathTemplate(rule.path);
  const uri: UriMatch = template.includes("{") ? { regex: pathPattern(template) } : { exact: template };
  const verbs = asked.has(template) ? verbsServed(rule) : [...verbsServed(rule), "OPTIONS"];
  asked.add(template);
  return {
    name: `${routeName(method)} ${rule.verb} ${rule.path}`,
    match: verbs.map((verb) => ({ uri, method: { exact: verb } })),
    ...callPolicy(method),
  };
}

type Route = ReturnType<typeof rpcRoute> | ReturnType<typeof restRoute>;
type UriMatch = { exact: string } | { regex: string };

function routeName({ service, name }: ImageMethod): string {
  return `${service.slice(service.lastIndexOf(".") + 1)}.${name}`;
}

/** Timeouts and retries. A stream has no deadline, and Istio retries by default where it is not told otherwise. */
function callPolicy({ deadlineMs, idempotent }: ImageMethod) {
  const timeout = deadlineMs === undefined ? {} : { timeout: `${(deadlineMs + graceMs) / 1000}s` };
  return { ...timeout, retries: idempotent ? { attempts: retryAttempts, retryOn } : { attempts: 0 } };
}

/** The RE2 expression of a template; Envoy matches it against the whole path. */
function pathPattern(template: string): string {
  return template.replaceAll(".", "\\.").replaceAll("{**}", ".+").replaceAll("{*}", "[^/]+");
}

function isPattern({ match }: Route): boolean {
  return match.some(({ uri }) => "regex" in uri);
}
