import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { effectivePolicy } from "../../services/engine/domain/policy/policy.js";
import { readPolicy } from "../../services/engine/domain/policy/read-policy.js";
import { ConfigError, configSource } from "../../services/kit/config.js";
import { type WorkloadName, workloads } from "../../services/kit/contract/workloads.js";
import { processConfig } from "../../services/kit/process/config.js";
import type { WorkloadDefinition } from "../../services/kit/workload.js";
import type { Document } from "../mesh/rules.js";

const environments = {
  development: {
    namespace: "consciousness-dev",
    replicas: [1, 2],
    cpu: "1",
    memory: "512Mi",
    budget: 1000,
    quality: 0.8,
  },
  staging: {
    namespace: "consciousness-staging",
    replicas: [2, 5],
    cpu: "1500m",
    memory: "768Mi",
    budget: 150,
    quality: 0.9,
  },
  production: {
    namespace: "consciousness-prod",
    replicas: [3, 20],
    cpu: "2",
    memory: "1Gi",
    budget: 100,
    quality: 0.95,
  },
} as const;

type Environment = keyof typeof environments;

const names = [...workloads.keys()];
const hasKubectl = isInstalled("kubectl");

/** What every replica gets from its Secret. */
const secrets = {
  DATABASE_URL: "postgres://agents:secret@postgres:5432/consciousness",
  NATS_URL: "nats://engine:secret@nats:4222",
  REDIS_URL: "redis://engine:secret@redis:6379/0",
  AUTH_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
  ENGINE_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64"),
  ANALYTICS_SECRET: Buffer.alloc(32, 9).toString("base64"),
  ADMIN_PASSWORD: "a long password",
};

function isInstalled(command: string): boolean {
  try {
    execFileSync(command, ["version", "--client"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function definitionOf(name: WorkloadName): Promise<WorkloadDefinition<unknown>> {
  return (await import(`../../services/${name}/service.ts`)).definition;
}

/** Reads an overlay's configuration as a process that runs `running` does. */
async function readConfig(environment: Environment, running: readonly WorkloadName[], extra = "") {
  const yaml = readFileSync(`k8s/overlays/${environment}/config.yaml`, "utf8");
  const source = configSource(secrets, yaml + extra);
  const process = processConfig(source, running);
  const configs = await Promise.all(running.map(async (name) => (await definitionOf(name)).config(source)));
  const others = names.filter((name) => !running.includes(name)).map((name) => `${name.toUpperCase()}_`);
  source.finish(others);
  return { process, configs: new Map(running.map((name, at) => [name, configs[at]])) };
}

describe.each(Object.keys(environments) as Environment[])("the configuration of %s", (environment) => {
  it("has no setting that the platform does not know", async () => {
    const { process } = await readConfig(environment, names);
    expect(process).toMatchObject({ environment, host: "0.0.0.0", mesh: true });
  });

  it.each(names)("starts %s as a process of its own", async (name) => {
    const { process } = await readConfig(environment, [name]);
    for (const other of names.filter((one) => one !== name)) {
      expect(process.addresses.get(workloads.get(other)!)).toMatchObject([
        expect.stringContaining(`http://${other}:80`),
      ]);
    }
  });

  it("bounds the judging stages and sets the quality threshold", async () => {
    const { configs } = await readConfig(environment, ["engine"]);
    const { budget, quality } = environments[environment];
    expect(configs.get("engine")).toMatchObject({
      qualityThreshold: quality,
      budgets: {
        screen_input: budget,
        screen_evidence: budget,
        screen_output: budget,
        screen_revision: budget,
      },
    });
  });

  it("refuses a misspelt setting", async () => {
    await expect(readConfig(environment, ["engine"], "engine_qualty: 1\n")).rejects.toBeInstanceOf(
      ConfigError,
    );
    await expect(readConfig(environment, ["engine"], "mesch: true\n")).rejects.toBeInstanceOf(ConfigError);
  });
});

describe.runIf(hasKubectl).each(Object.keys(environments) as Environment[])(
  "the manifests of %s",
  (environment) => {
    const { namespace, replicas, cpu, memory } = environments[environment];
    const text = hasKubectl
      ? execFileSync("kubectl", ["kustomize", `k8s/overlays/${environment}`], { encoding: "utf8" })
      : "";
    const documents: Document[] = parseAllDocuments(text).map((document) => document.toJS());
    const of = (kind: string) => documents.filter((document) => document.kind === kind);
    const deployments = of("Deployment").filter(({ metadata }) => metadata.name !== "ingress");
    const containers = deployments.map(({ spec }) => spec.template.spec.containers[0]);

    it("stand in the environment's namespace, which admits restricted pods alone", () => {
      const elsewhere = documents.filter(
        ({ metadata }) => metadata.namespace && metadata.namespace !== namespace,
      );
      expect(elsewhere).toEqual([]);
      expect(of("Namespace")[0].metadata).toMatchObject({
        name: namespace,
        labels: { "pod-security.kubernetes.io/enforce": "restricted", "istio-injection": "enabled" },
      });
    });

    it("name that namespace wherever Istio wants it", () => {
      expect(text).not.toContain("consciousness.svc");
      expect(text).toContain(`http://auth.${namespace}.svc.cluster.local:8006/`);
    });

    it("let the mesh believe exactly the issuer that the workloads sign as", async () => {
      const config = of("ConfigMap").find(({ metadata }) =>
        metadata.name.startsWith("consciousness-config-"),
      );
      const issuer = config.data.TOKEN_ISSUER;
      const read = processConfig(
        configSource({ ...secrets, TOKEN_ISSUER: issuer }, config.data["config.yaml"]),
        names,
      );
      expect(read.tokenIssuer).toBe(issuer);
      const rules = of("RequestAuthentication").flatMap(({ spec }) => spec.jwtRules);
      expect(rules.map((rule: Document) => rule.issuer)).toEqual(rules.map(() => issuer));
      expect(rules).toHaveLength(names.length - 1);
      for (const { env } of containers) {
        const { valueFrom } = env.find(({ name }: Document) => name === "TOKEN_ISSUER");
        expect(valueFrom.configMapKeyRef).toEqual({ name: config.metadata.name, key: "TOKEN_ISSUER" });
      }
    });

    it("issue tokens where clients reach the gateway", () => {
      const config = of("ConfigMap").find(({ metadata }) =>
        metadata.name.startsWith("consciousness-config-"),
      );
      const [edge] = of("Gateway");
      expect(edge.spec.servers[0].hosts).toEqual([`./${new URL(config.data.TOKEN_ISSUER).host}`]);
    });

    it("run every workload as an account of its own name", () => {
      const accounts = deployments.map(({ spec }) => spec.template.spec.serviceAccountName);
      expect(accounts.sort()).toEqual([...names].sort());
      expect(
        of("ServiceAccount")
          .map(({ metadata }) => metadata.name)
          .sort(),
      ).toEqual([...names, "ingress"].sort());
    });

    it("scale every workload between the environment's bounds, by processor and memory", () => {
      for (const { spec } of of("HorizontalPodAutoscaler")) {
        expect([spec.minReplicas, spec.maxReplicas]).toEqual(replicas);
      }
      for (const name of names) {
        const { metrics } = of("HorizontalPodAutoscaler").find(
          ({ metadata }) => metadata.name === name,
        )!.spec;
        const targets = metrics.map(({ resource }: Document) => [
          resource.name,
          resource.target.averageUtilization,
        ]);
        expect(targets).toEqual([
          ["cpu", 70],
          ["memory", 80],
        ]);
      }
    });

    it("bound what a container may use", () => {
      for (const { resources } of containers) expect(resources.limits).toEqual({ cpu, memory });
    });

    it("probe over gRPC, and liveness without the dependencies", () => {
      for (const container of containers) {
        const port = container.ports[0].containerPort;
        expect(container.readinessProbe.grpc).toEqual({ port });
        expect(container.startupProbe.grpc).toEqual({ port });
        expect(container.livenessProbe.httpGet.path).toBe("/livez");
      }
    });

    it("leave time to be taken out of rotation and to drain before a pod is killed", async () => {
      const { process } = await readConfig(environment, names);
      for (const { spec } of deployments) {
        const pod = spec.template.spec;
        const announceMs = pod.containers[0].lifecycle.preStop.sleep.seconds * 1000;
        expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(announceMs + process.drainMs);
      }
    });

    it("let pods talk along the call graph alone", () => {
      const policies = new Map(of("NetworkPolicy").map(({ metadata, spec }) => [metadata.name, spec]));
      expect(policies.get("deny-all")).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
      for (const { metadata, spec } of of("Sidecar")) {
        const reachable = spec.egress[0].hosts
          .filter((host: string) => host.endsWith(`.${namespace}.svc.cluster.local`))
          .map((host: string) => host.slice(2).split(".")[0]);
        const policy = policies.get(metadata.name)!;
        const allowed = policy.egress.flatMap(({ to }: Document) =>
          to.map(({ podSelector }: Document) => podSelector.matchLabels.app),
        );
        expect(allowed.sort()).toEqual(reachable.sort());
      }
    });
  },
);

describe.runIf(hasKubectl)("an overlay of development", () => {
  /** Renders it with its kustomization.yaml changed. */
  function renderChanged(change: (kustomization: string) => string): Document[] {
    const folder = mkdtempSync("k8s/overlays/changed-");
    try {
      cpSync("k8s/overlays/development", folder, { recursive: true });
      const file = join(folder, "kustomization.yaml");
      writeFileSync(file, change(readFileSync(file, "utf8")));
      const text = execFileSync("kubectl", ["kustomize", folder], { encoding: "utf8", stdio: "pipe" });
      return parseAllDocuments(text).map((document) => document.toJS());
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const withMail = (text: string) => text.replace(/^components:$/m, "components:\n  - ../../components/mail");
  const withMailHost = (text: string) =>
    text.replace(/^( *literals: .*)\]$/m, '$1, "MAIL_HOST=smtp.example.com"]');
  /** Where mail leaves: which proxies know the host, and which pods may connect to the ports of submission. */
  const mailEgress = (documents: readonly Document[]) => {
    const of = (kind: string) => documents.filter((document) => document.kind === kind);
    const knowing = of("Sidecar").filter(({ spec }) => spec.egress[0].hosts.includes("./smtp.example.com"));
    const connecting = of("NetworkPolicy").filter(({ spec }) =>
      spec.egress?.some(({ ports }: Document) => ports.some(({ port }: Document) => port === 587)),
    );
    return {
      entries: of("ServiceEntry").map(({ spec }) => spec.hosts),
      proxies: knowing.map(({ metadata }) => metadata.name),
      pods: connecting.map(({ spec }) => spec.podSelector.matchLabels),
    };
  };

  it("is refused where it states no issuer", () => {
    expect(() => renderChanged((text) => text.replace(/^ *literals: .*$/m, ""))).toThrow(/TOKEN_ISSUER/);
  });

  it("lets auth alone reach the mail server that it names, wherever the component stands", () => {
    const only = { entries: [["smtp.example.com"]], proxies: ["auth"], pods: [{ app: "auth" }] };
    expect(mailEgress(renderChanged((text) => withMail(withMailHost(text))))).toEqual(only);
    const last = (text: string) =>
      text.replace(/^# The Secrets/m, "  - ../../components/mail\n# The Secrets");
    expect(mailEgress(renderChanged((text) => last(withMailHost(text))))).toEqual(only);
  });

  it("has every engine, the canary too, read the operator's policy from a ConfigMap that may change", () => {
    const components = ["../../base/generated/canary/engine", "../../components/policy"];
    const listed = components.map((one) => `\n  - ${one}`).join("");
    const changed = (text: string) =>
      text.replace(/^components:((?:\n {2}- .*)*)/m, (_, others) => `components:${others}${listed}`);
    const documents = renderChanged(changed);
    const pods = documents
      .filter(({ kind, metadata }) => kind === "Deployment" && metadata.labels.app === "engine")
      .map(({ spec }) => spec.template.spec);
    expect(pods).toHaveLength(2);
    for (const { containers, volumes } of pods) {
      const { value } = containers[0].env.find(({ name }: Document) => name === "POLICY_FILE");
      const mount = containers[0].volumeMounts.find(
        ({ mountPath }: Document) => mountPath === dirname(value),
      );
      const volume = volumes.find(({ name }: Document) => name === mount.name);
      const map = documents.find(
        ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === volume.configMap.name,
      );
      // As a whole, since a single file of it would never change.
      expect(mount.subPath).toBeUndefined();
      const document = readPolicy(map?.data[basename(value)]);
      expect(effectivePolicy([{ level: "operator", version: 0, document }]).leftOut).toEqual([]);
    }
    const others = documents.filter(({ kind, spec }) => kind === "Deployment" && spec.template.spec.volumes);
    const reading = others.filter(({ spec }) => JSON.stringify(spec).includes("POLICY_FILE"));
    expect(reading).toHaveLength(pods.length);
  });

  it("lets nobody reach a mail server without that component, and needs its name with it", () => {
    expect(mailEgress(renderChanged(withMailHost))).toEqual({ entries: [], proxies: [], pods: [] });
    expect(() => renderChanged(withMail)).toThrow(/MAIL_HOST/);
  });
});
