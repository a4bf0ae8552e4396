import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { milliseconds } from "../../../k8s/observability/durations.js";
import { isReleased } from "../../../services/engine/domain/verdict.js";
import { verdictName } from "../../../services/engine/store.js";
import { workloads } from "../../../services/kit/contract/workloads.js";
import type { Document } from "../../mesh/rules.js";

const components = "k8s/components";
const read = (path: string): Document => parse(readFileSync(path, "utf8"));
const hasKubectl = (() => {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
const environments = ["development", "staging", "production"];
const namespaceOf = (environment: string) => read(`k8s/overlays/${environment}/kustomization.yaml`).namespace;

describe("what watches an environment", () => {
  const all = (file: string): Document[] =>
    parseAllDocuments(readFileSync(`${components}/monitoring/generated/${file}`, "utf8")).map((one) =>
      one.toJS(),
    );

  it("reads every workload at the port of its Service, what callers wait for most often", () => {
    const monitors = all("service-monitors.yaml");
    expect(monitors.map(({ metadata }) => metadata.name)).toEqual([...workloads.keys()]);
    for (const { metadata, spec } of monitors) {
      const service = parseAllDocuments(readFileSync(`k8s/base/generated/${metadata.name}.yaml`, "utf8"))
        .map((one): Document => one.toJS())
        .find(({ kind }) => kind === "Service")!;
      expect(service.metadata.labels).toMatchObject(spec.selector.matchLabels);
      expect(service.spec.ports.map(({ name }: Document) => name)).toContain(spec.endpoints[0].port);
      const critical = ["gateway", "engine"].includes(metadata.name);
      expect(spec.endpoints[0].interval).toBe(critical ? "5s" : "15s");
    }
  });

  it("is included by every environment", () => {
    for (const environment of environments) {
      const { components: included } = read(`k8s/overlays/${environment}/kustomization.yaml`);
      expect(included).toContain("../../components/monitoring");
    }
  });

  it("takes the receivers' keys from a Secret and from nowhere else", () => {
    const [{ spec }] = all("alert-routing.yaml") as [Document];
    const text = JSON.stringify(spec.receivers);
    expect(text).toContain('"routingKey":{"name":"alert-receivers","key":"pager-key"}');
    expect(text).toContain('"apiURL":{"name":"alert-receivers","key":"chat-url"}');
    expect(text).not.toMatch(/https?:/);
  });
});

describe("the collector", () => {
  const config = read(`${components}/otel-collector/config.yaml`);

  it("keeps every trace with an error, a slow one, a withheld decision, and one of a hundred others", () => {
    const policies = config.processors.tail_sampling.policies;
    const withheld = Object.values(Verdict)
      .filter((verdict) => typeof verdict === "number")
      .filter((verdict) => verdict !== Verdict.UNSPECIFIED && !isReleased(verdict))
      .map(verdictName);
    expect(policies.map(({ type }: Document) => type)).toEqual([
      "status_code",
      "latency",
      "string_attribute",
      "probabilistic",
    ]);
    expect(policies[2].string_attribute.key).toBe("consciousness.verdict");
    expect(policies[2].string_attribute.values).toEqual(withheld);
    expect(policies[3].probabilistic.sampling_percentage).toBe(1);
  });

  it("names in its pipeline what it configures, and bounds what waits", () => {
    const { receivers, processors, exporters } = config.service.pipelines.traces;
    expect(Object.keys(config.receivers)).toEqual(receivers);
    expect(Object.keys(config.processors)).toEqual(processors);
    expect(Object.keys(config.exporters)).toEqual(exporters);
    expect(processors[0]).toBe("memory_limiter");
    expect(config.exporters["otlp/jaeger"].sending_queue.queue_size).toBeGreaterThan(0);
  });

  it("is where workloads and proxies send their traces", () => {
    const host = "otel-collector.observability.svc.cluster.local";
    for (const environment of environments) {
      expect(read(`k8s/overlays/${environment}/config.yaml`).trace.endpoint).toBe(`http://${host}:4318`);
    }
    const [otel] = read("mesh/mesh-config.yaml").extensionProviders;
    expect(otel.opentelemetry).toEqual({ service: host, port: 4317 });
    expect(config.receivers.otlp.protocols.grpc.endpoint).toMatch(/:4317$/);
    expect(config.receivers.otlp.protocols.http.endpoint).toMatch(/:4318$/);
  });
});

describe("the logs", () => {
  it("are at hand for thirty days and kept for a year after that", () => {
    const { phases } = read(`${components}/fluent-bit/policy.json`).policy;
    expect(phases.cold.min_age).toBe("30d");
    expect(milliseconds(phases.delete.min_age) - milliseconds(phases.cold.min_age)).toBe(
      milliseconds("365d"),
    );
  });

  it("are found by the fields that a line has", () => {
    const fields = Object.keys(read(`${components}/fluent-bit/template.json`).template.mappings.properties);
    const line = ["timestamp", "level", "service", "correlation_id", "message", "metadata"];
    expect(fields).toEqual(expect.arrayContaining(line));
  });

  it("are read of every environment's pods", () => {
    const [{ path }] = read(`${components}/fluent-bit/config.yaml`).pipeline.inputs;
    const pattern = new RegExp(`^${path.replaceAll("*", "[^/]*")}$`);
    for (const environment of environments) {
      expect(`/var/log/containers/engine-7d9c_${namespaceOf(environment)}_engine-0af.log`).toMatch(pattern);
    }
    expect("/var/log/containers/engine-7d9c_elsewhere_engine-0af.log").not.toMatch(pattern);
  });
});

it("the dashboards that are generated are those that are shown", () => {
  const [{ files }] = read(`${components}/grafana/kustomization.yaml`).configMapGenerator;
  const generated = readdirSync(`${components}/grafana/generated`).map((name) => `generated/${name}`);
  expect(files).toEqual(generated.sort());
});

describe.runIf(hasKubectl)("the overlay of observability", () => {
  const text = hasKubectl
    ? execFileSync("kubectl", ["kustomize", "k8s/overlays/observability"], { encoding: "utf8" })
    : "";
  const documents: Document[] = parseAllDocuments(text).map((one) => one.toJS());
  const of = (...kinds: string[]) => documents.filter(({ kind }) => kinds.includes(kind));
  const pods = of("Deployment", "DaemonSet", "Job").map(({ metadata, spec }) => ({
    name: metadata.name,
    pod: spec.template.spec,
  }));

  it("stands in the namespace that the workloads' rules admit", () => {
    expect(of("Namespace").map(({ metadata }) => metadata.name)).toEqual(["observability"]);
    const namespaces = documents.map(({ metadata }) => metadata.namespace).filter((one) => one !== undefined);
    expect(new Set(namespaces)).toEqual(new Set(["observability"]));
  });

  it("reads metrics as the identity that workloads admit", () => {
    const [{ spec }] = of("Prometheus") as [Document];
    for (const environment of environments) {
      const { metrics_reader: reader } = read(`k8s/overlays/${environment}/config.yaml`);
      expect(reader).toBe(`spiffe://cluster.local/ns/observability/sa/${spec.serviceAccountName}`);
    }
  });

  it("watches the environments that there are", () => {
    const watched = environments.map(namespaceOf).sort();
    const selectors = [...of("Prometheus"), ...of("Alertmanager")].flatMap(({ spec }) =>
      Object.entries(spec).filter(([name]) => name.endsWith("NamespaceSelector")),
    );
    expect(selectors).toHaveLength(4);
    for (const [, selector] of selectors as [string, Document][]) {
      expect([...selector.matchExpressions[0].values].sort()).toEqual(watched);
    }
  });

  it("bounds every container, with a read-only root, no privileges and a pinned image", () => {
    expect(pods.length).toBeGreaterThanOrEqual(4);
    for (const { name, pod } of pods) {
      for (const { image, resources, securityContext } of pod.containers) {
        expect(image, name).toMatch(/:\d+\.\d+\.\d+$/);
        expect(resources.limits.memory, name).toBeDefined();
        expect(securityContext, name).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
      // What reads files of the node does so as their owner.
      if (name !== "fluent-bit") expect(pod.securityContext.runAsNonRoot, name).toBe(true);
    }
  });

  it("mounts nothing that the overlay does not make", () => {
    const made = of("ConfigMap").map(({ metadata }) => metadata.name);
    const mounted = pods
      .flatMap(({ pod }) => pod.volumes ?? [])
      .flatMap(({ configMap }: Document) => configMap?.name ?? []);
    expect(mounted.length).toBeGreaterThan(0);
    expect(made).toEqual(expect.arrayContaining(mounted));
  });
});
