import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AuditClass, ErrorFormat } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Store } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { writeMesh } from "../../mesh/generate.js";
import { pathTemplate } from "../../mesh/rules/authorization.js";
import { readContract } from "../../services/generate/contract.js";
import type { MethodContract } from "../../services/kit/contract/method.js";
import { workloadName, workloadProfile, workloads } from "../../services/kit/contract/workloads.js";
import { defaultTokenIssuer } from "../../services/kit/tokens/claims.js";
import {
  admits,
  type Document,
  mayCall,
  meshDocument,
  methods,
  names,
  restCalls,
  serversOf,
  yamlDocuments,
} from "./rules.js";

const image = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync("gen/contract/contract.binpb")),
);
const internal = names.filter((name) => name !== "gateway");
const retryOn = "unavailable,cancelled,reset,refused-stream,connect-failure,503";

const policyOf = (name: string) => meshDocument("authorization-policies.yaml", "AuthorizationPolicy", name);
const routesOf = (name: string): Document[] =>
  meshDocument("virtual-services.yaml", "VirtualService", name).spec.http;

/** The first route that takes a request, as Envoy decides. */
function routeFor(routes: readonly Document[], verb: string, path: string): Document {
  return routes.find(({ match }) =>
    match.some(
      ({ uri, method }: Document) =>
        (uri.exact === path || (uri.regex && new RegExp(`^${uri.regex}$`).test(path))) &&
        (method === undefined || method.exact === verb),
    ),
  );
}

describe("the contract read from the image", () => {
  it("says of every method what the running services resolve", () => {
    const read = readContract(image).methods.map(({ service: _, name: __, http: ___, ...method }) => ({
      ...method,
      callers: [...method.callers].sort(),
    }));
    const resolved = methods.map((method) => ({
      path: `/${method.name}`,
      workload: method.workload === undefined ? undefined : workloadName(method.workload),
      callers: [...method.callers].map(workloadName).sort(),
      deadlineMs: method.deadlineMs,
      idempotent: method.idempotent,
      noSideEffects: method.noSideEffects,
      forwarded: method.forwarded,
      audit: AuditClass[method.audit]?.toLowerCase().replace("unspecified", ""),
      streams: method.method.methodKind !== "unary",
      errorFormat: ErrorFormat[method.errorFormat ?? 0]?.toLowerCase().replace("unspecified", ""),
    }));
    expect(read).toEqual(resolved.sort((a, b) => (a.path < b.path ? -1 : 1)));
  });

  it("lists every workload with its port", () => {
    const ports = readContract(image).workloads.map(({ name, port }) => [name, port]);
    expect(ports).toEqual([...workloads].map(([name, workload]) => [name, workloadProfile(workload).port]));
  });
});

describe("authorization", () => {
  it("denies everything that no other policy allows, over mTLS alone", () => {
    expect(policyOf("deny-all").spec).toEqual({});
    const peers = meshDocument("peer-authentication.yaml", "PeerAuthentication", "default");
    expect(peers.spec).toEqual({ mtls: { mode: "STRICT" } });
  });

  describe.each(internal)("of %s", (name) => {
    it.each(methods.map((method) => [method.name, method] as const))(
      "lets exactly the declared callers call %s",
      (_, method) => {
        const served = serversOf(method).includes(name);
        for (const caller of [...names, "ingress", "default"] as const) {
          const wanted = served && names.includes(caller as never) && mayCall(caller as never, method);
          const path = `/${method.name}`;
          expect([caller, admits(policyOf(name), caller, "POST", path)]).toEqual([caller, wanted]);
          expect([caller, admits(policyOf(name), caller, "GET", path)]).toEqual([
            caller,
            wanted && method.noSideEffects,
          ]);
          expect(admits(policyOf(name), caller, "DELETE", path)).toBe(false);
        }
      },
    );
  });

  it.each(methods.map((method) => [method.name, method] as const))(
    "lets the ingress alone call %s at the gateway, as far as it is offered outside",
    (_, method) => {
      const policy = policyOf("gateway");
      for (const caller of [...names, "ingress", "default"]) {
        const wanted = caller === "ingress" && method.forwarded;
        expect(admits(policy, caller, "POST", `/${method.name}`)).toBe(wanted);
        expect(admits(policy, caller, "GET", `/${method.name}`)).toBe(wanted && method.noSideEffects);
        for (const { verb, path } of restCalls(method)) {
          expect([path, admits(policy, caller, verb, path)]).toEqual([path, wanted]);
        }
      }
    },
  );

  it("lets browsers ask at the gateway what they may send to whatever is offered, and read heads", () => {
    const offered = methods.filter(({ forwarded }) => forwarded);
    const policy = policyOf("gateway");
    for (const method of offered) {
      const calls = [{ verb: "POST", path: `/${method.name}` }, ...restCalls(method)];
      for (const { verb, path } of calls) {
        expect([path, admits(policy, "ingress", "OPTIONS", path)]).toEqual([path, true]);
        expect(admits(policy, "engine", "OPTIONS", path)).toBe(false);
        if (verb === "GET") expect([path, admits(policy, "ingress", "HEAD", path)]).toEqual([path, true]);
        for (const name of internal) {
          expect(admits(policyOf(name), "gateway", "OPTIONS", path)).toBe(false);
        }
      }
    }
    expect(admits(policy, "ingress", "OPTIONS", "/consciousness.auth.v1.AuthService/ExchangeToken")).toBe(
      false,
    );
  });

  it.each(names)("lets Prometheus read the metrics of %s, and nothing else", (name) => {
    const { rules } = policyOf(name).spec;
    const own = rules.filter(({ from }: Document) =>
      from.some(({ source }: Document) => source.serviceAccounts.includes("observability/prometheus")),
    );
    expect(own).toEqual([
      {
        from: [{ source: { serviceAccounts: ["observability/prometheus"] } }],
        to: [{ operation: { methods: ["GET"], paths: ["/metrics"] } }],
      },
    ]);
  });

  it("names accounts of its own namespace, so that one copy serves all", () => {
    const text = JSON.stringify(yamlDocuments("mesh/generated/authorization-policies.yaml"));
    expect(text).not.toMatch(/principals|namespaces|cluster\.local/);
    expect(text).not.toContain('"namespace"');
  });

  it.each([
    ["/api/v1/agents/{id}", "/api/v1/agents/{*}"],
    ["/api/v1/agents/{agent.id}", "/api/v1/agents/{*}"],
    ["/v1/{name=*}/x", "/v1/{*}/x"],
    ["/v1/files/{path=**}", "/v1/files/{**}"],
  ])("turns the path %s into %s", (path, template) => {
    expect(pathTemplate(path)).toBe(template);
  });

  it.each(["/v1/agents/{id}:archive", "/v1/{name=shelves/*}"])(
    "refuses %s, which Istio cannot match",
    (path) => {
      expect(() => pathTemplate(path)).toThrow(path);
    },
  );
});

describe("routes", () => {
  // A stream states no deadline, and Istio's routes have none of their own.
  const wantedPolicy = ({ deadlineMs, idempotent }: MethodContract) => ({
    timeout: deadlineMs === undefined ? undefined : `${(deadlineMs + 250) / 1000}s`,
    retries: idempotent ? { attempts: 2, retryOn } : { attempts: 0 },
  });

  it.each(methods.map((method) => [method.name, method] as const))(
    "bound %s by its deadline and retry it only when that is safe",
    (_, method) => {
      for (const name of serversOf(method)) {
        const { timeout, retries, route } = routeFor(routesOf(name), "POST", `/${method.name}`);
        const port = { number: workloadProfile(workloads.get(name)!).port };
        expect({ timeout, retries }).toEqual(wantedPolicy(method));
        expect(route).toEqual([{ destination: { host: name, port } }]);
      }
    },
  );

  it.each(methods.map((method) => [method.name, method] as const))(
    "take %s in at the gateway, over RPC and REST alike",
    (_, method) => {
      const calls = [{ verb: "POST", path: `/${method.name}` }, ...restCalls(method)];
      for (const { verb, path } of calls) {
        const route = routeFor(routesOf("gateway"), verb, path);
        if (!method.forwarded) expect(route).toBeUndefined();
        else expect({ timeout: route.timeout, retries: route.retries }).toEqual(wantedPolicy(method));
      }
    },
  );

  it("take in what browsers ask beforehand, once for each path, and heads where there is something to read", () => {
    const offered = methods.filter(({ forwarded }) => forwarded);
    for (const method of offered) {
      expect(routeFor(routesOf("gateway"), "OPTIONS", `/${method.name}`)).toBeDefined();
      for (const { verb, path } of restCalls(method)) {
        expect([path, routeFor(routesOf("gateway"), "OPTIONS", path)?.name]).toEqual([
          path,
          expect.any(String),
        ]);
        const head = routeFor(routesOf("gateway"), "HEAD", path);
        if (verb === "GET") expect(head).toBe(routeFor(routesOf("gateway"), "GET", path));
      }
    }
    const asked = routesOf("gateway").flatMap(({ match }) =>
      match
        .filter(({ method }: Document) => method?.exact === "OPTIONS")
        .map(({ uri }: Document) => uri.exact ?? uri.regex),
    );
    expect(new Set(asked).size).toBe(asked.length);
  });

  it("have no timeout for streams and still no retries", () => {
    const contract = readContract(image);
    const streaming = new Map(contract.methods.map((method) => [method.path, method]));
    for (const { match, timeout } of internal.flatMap(routesOf)) {
      const deadline = streaming.get(match[0].uri.exact)!.deadlineMs;
      expect(timeout === undefined).toBe(deadline === undefined);
    }
  });

  it("state the retries of every route, since Istio retries by default", () => {
    for (const { name, retries } of names.flatMap(routesOf))
      expect([name, typeof retries?.attempts]).toEqual([name, "number"]);
  });
});

describe("destinations", () => {
  it.each(names)("eject failing replicas of %s and bound what waits for them", (name) => {
    const { host, trafficPolicy } = meshDocument("destination-rules.yaml", "DestinationRule", name).spec;
    expect(host).toBe(name);
    expect(trafficPolicy.tls).toEqual({ mode: "ISTIO_MUTUAL" });
    expect(trafficPolicy.outlierDetection).toEqual({
      consecutive5xxErrors: 5,
      interval: "5s",
      baseEjectionTime: "30s",
      maxEjectionPercent: 50,
    });
    expect(trafficPolicy.connectionPool.http.http2MaxRequests).toBeGreaterThan(0);
  });

  it("eject by share of failures too, on the pinned release alone", () => {
    const { configPatches } = meshDocument("envoy-filter.yaml", "EnvoyFilter", "failure-percentage").spec;
    for (const { match, patch } of configPatches) {
      expect(match.proxy.proxyVersion).toBe("^1\\.31\\.");
      expect(patch.value.outlier_detection).toMatchObject({
        failure_percentage_threshold: 50,
        failure_percentage_request_volume: 10,
      });
    }
    const patched = new Set(configPatches.map(({ match }: Document) => match.cluster.portNumber));
    expect(patched).toEqual(new Set([...workloads.values()].map((one) => workloadProfile(one).port)));
  });
});

describe("callers' deadlines", () => {
  const { configPatches } = meshDocument("envoy-filter.yaml", "EnvoyFilter", "caller-deadlines").spec;
  const mutationsOf = (context: string) =>
    configPatches.find(({ match }: Document) => match.context === context).patch.value.typed_config.mutations
      .request_mutations;

  it.each(["SIDECAR_OUTBOUND", "GATEWAY"])("are hidden from the router of a %s", (context) => {
    expect(mutationsOf(context)).toEqual([
      {
        append: expect.objectContaining({
          header: { key: "x-caller-timeout", value: "%REQ(grpc-timeout)%" },
        }),
      },
      { remove: "grpc-timeout" },
    ]);
  });

  it("are put back before the workload", () => {
    expect(mutationsOf("SIDECAR_INBOUND")).toEqual([
      {
        append: expect.objectContaining({
          header: { key: "grpc-timeout", value: "%REQ(x-caller-timeout)%" },
        }),
      },
      { remove: "x-caller-timeout" },
    ]);
  });

  it("are kept from Envoy on the pinned release alone", () => {
    const pinned = configPatches.map(({ match }: Document) => match.proxy.proxyVersion);
    expect(pinned).toEqual(["^1\\.31\\.", "^1\\.31\\.", "^1\\.31\\."]);
  });
});

const storeServices = {
  [Store.UNSPECIFIED]: "nothing",
  [Store.DATABASE]: "postgres",
  [Store.BUS]: "nats",
  [Store.CACHE]: "redis",
};

describe("egress", () => {
  it.each(names)("of %s is the call graph, its stores and its hosts", (name) => {
    const { spec } = meshDocument("sidecars.yaml", "Sidecar", name);
    const callees = internal.filter((callee) =>
      methods.some(
        (method) =>
          method.workload !== undefined && workloadName(method.workload) === callee && mayCall(name, method),
      ),
    );
    const profile = workloadProfile(workloads.get(name)!);
    const stores = profile.stores.map((store) => storeServices[store]);
    const inside = [...callees, ...stores].map((host) => `./${host}.consciousness.svc.cluster.local`);
    expect(spec.outboundTrafficPolicy).toEqual({ mode: "REGISTRY_ONLY" });
    expect(spec.egress).toHaveLength(1);
    const others = [...profile.hosts.map((host) => `./${host}`), "observability/*"];
    expect([...spec.egress[0].hosts].sort()).toEqual([...inside, ...others].sort());
  });
});

describe("internal tokens", () => {
  it.each(internal)("are checked at %s against its own audience", (name) => {
    const { selector, jwtRules } = meshDocument(
      "request-authentications.yaml",
      "RequestAuthentication",
      name,
    ).spec;
    expect(selector.matchLabels).toEqual({ app: name });
    expect(jwtRules).toHaveLength(1);
    expect(jwtRules[0]).toMatchObject({
      issuer: defaultTokenIssuer,
      audiences: [name],
      forwardOriginalToken: true,
    });
    expect(new URL(jwtRules[0].jwksUri).pathname).toBe("/consciousness.auth.v1.AuthService/GetJwks");
  });

  it("are not asked for at the gateway, which takes outside credentials", () => {
    const selected = yamlDocuments("mesh/generated/request-authentications.yaml").map(
      ({ metadata }) => metadata.name,
    );
    expect(selected).toEqual(internal);
  });
});

it("writes the same files from the same image", () => {
  expect([...writeMesh(image)]).toEqual([...writeMesh(image)]);
});
