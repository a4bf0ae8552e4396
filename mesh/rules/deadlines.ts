import type { Manifest } from "../../services/generate/yaml-file.js";
import { pinnedProxies } from "./names.js";

const timeout = "grpc-timeout";
/** Where the caller's deadline travels between two proxies. */
const carried = "x-caller-timeout";

/**
 * Leaves the deadlines of gRPC callers to the callee. Istio lets Envoy's router
 * act on `grpc-timeout`, with no margin: it races the callee's typed error,
 * answers UNAVAILABLE, which invites a repetition, and counts a failure of the
 * replica, so that a few impatient callers get a healthy one ejected. Hidden
 * from the router, the route's own timeout holds; the callee's proxy puts the
 * header back. Istio has no field for it.
 */
export function callerDeadlines(): Manifest {
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { name: "caller-deadlines" },
    spec: {
      // After filters without one, so that the router is there to be found.
      priority: 10,
      configPatches: [
        beforeRouter("SIDECAR_OUTBOUND", hide()),
        beforeRouter("GATEWAY", hide()),
        beforeRouter("SIDECAR_INBOUND", putBack()),
      ],
    },
  };
}

function hide() {
  return [move(timeout, carried), { remove: timeout }];
}

function putBack() {
  return [move(carried, timeout), { remove: carried }];
}

/** Copies a header where there is one. */
function move(from: string, to: string) {
  const header = { key: to, value: `%REQ(${from})%` };
  return { append: { header, append_action: "OVERWRITE_IF_EXISTS_OR_ADD", keep_empty_value: false } };
}

function beforeRouter(context: string, mutations: readonly object[]) {
  const router = { name: "envoy.filters.network.http_connection_manager" };
  return {
    applyTo: "HTTP_FILTER",
    match: {
      context,
      proxy: { proxyVersion: pinnedProxies },
      listener: {
        filterChain: { filter: { ...router, subFilter: { name: "envoy.filters.http.router" } } },
      },
    },
    patch: {
      operation: "INSERT_BEFORE",
      value: {
        name: "caller-deadlines",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
          mutations: { request_mutations: mutations },
        },
      },
    },
  };
}
