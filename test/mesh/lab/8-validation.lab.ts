import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { apply, tryKubectl } from "../../../mesh/lab/apiserver.js";
import { attempt, until } from "../../../mesh/lab/commands.js";
import { injectedPods } from "../../../mesh/lab/injection.js";
import { rejectedConfigurations } from "../../../mesh/lab/istiod.js";
import { type Rendered, renderOverlay } from "../../../mesh/lab/manifests.js";
import { inLab, namespace } from "../../../mesh/lab/place.js";
import { names } from "../rules.js";
import { changed, place, withRules } from "./lab.js";

const environments = ["development", "staging", "production"];
/** Asks the API server what it would say to an object. */
const strict = [
  "apply",
  "--server-side",
  "--force-conflicts",
  "--validate=strict",
  "--dry-run=server",
  "-f",
  "-",
];
const istioctl = `${place.binaries}/istioctl`;
/** "EnvoyFilter exposes internal implementation details": ours is pinned to the release it was tried on. */
const accepted = "IST0133";

async function fileOf(environment: string, objects: readonly Rendered[]): Promise<string> {
  const file = inLab(place, `${environment}.yaml`);
  await writeFile(file, objects.map((object) => stringify(object)).join("---\n"));
  return file;
}

describe.each(environments)("the environment %s", (environment) => {
  it("is valid to Istio", async () => {
    const file = await fileOf(environment, await renderOverlay(place, `k8s/overlays/${environment}`));
    const validated = await attempt(istioctl, ["validate", "-f", file]);
    expect([validated.code, validated.stdout]).toEqual([0, expect.any(String)]);
    const analyzed = await attempt(istioctl, ["analyze", "--use-kube=false", "-A", file]);
    const findings = `${analyzed.stdout}${analyzed.stderr}`
      .split("\n")
      .filter((line) => line.includes("[IST"));
    expect(findings.filter((line) => !line.includes(accepted))).toEqual([]);
  });

  it("is accepted by the API server as a whole", async () => {
    const objects = await renderOverlay(place, `k8s/overlays/${environment}`);
    await apply(
      place,
      objects.filter(({ kind }) => kind === "Namespace"),
    );
    await apply(
      place,
      objects.filter(({ kind }) => kind !== "Namespace"),
      ["--dry-run=server"],
    );
  });
});

describe("the pods that Istio's injector makes", () => {
  /** Lets the API server judge pods of an environment, which need their accounts and limits there. */
  async function refusals(environment: string, { cni }: { cni: boolean }): Promise<string[]> {
    const objects = await renderOverlay(place, `k8s/overlays/${environment}`);
    for (const kinds of [["Namespace"], ["ServiceAccount", "LimitRange", "PriorityClass"]]) {
      await apply(
        place,
        objects.filter(({ kind }) => kinds.includes(kind)),
      );
    }
    const pods = await injectedPods(place, objects, { cni });
    expect(pods.map(({ metadata }) => metadata.name).sort()).toEqual([...names, "ingress"].sort());
    const found: string[] = [];
    for (const pod of pods) {
      expect(pod.spec.containers.map(({ name }: { name: string }) => name)).toContain("istio-proxy");
      const { code, stderr } = await tryKubectl(place, strict, JSON.stringify(pod));
      if (code !== 0 || stderr !== "") found.push(`${pod.metadata.name}: ${stderr}`);
    }
    return found;
  }

  it.each(environments)("are admitted to %s, which is restricted, without a warning", async (environment) => {
    expect(await refusals(environment, { cni: true })).toEqual([]);
  });

  it("are refused where an init container is to redirect traffic in place of istio-cni", async () => {
    const found = await refusals("development", { cni: false });
    // The ingress redirects nothing.
    expect(found).toHaveLength(names.length);
    for (const one of found) expect(one).toMatch(/violates PodSecurity "restricted:latest".*istio-init/);
  });
});

describe("a mistake", () => {
  it("in a field's name is refused by the API server", async () => {
    const wrong = changed("AuthorizationPolicy", "engine", ({ spec }) => {
      spec.rules[0].to[0].operation.methodz = ["GET"];
    });
    const { code, stderr } = await tryKubectl(place, strict, JSON.stringify(wrong));
    expect([code, stderr]).toEqual([1, expect.stringContaining("methodz")]);
  });

  it("in a retry condition is found by istioctl", async () => {
    const wrong = changed("VirtualService", "engine", ({ spec }) => {
      spec.http[0].retries = { attempts: 1, retryOn: "sometimes" };
    });
    const { code } = await attempt(istioctl, ["validate", "-f", await fileOf("wrong", [wrong])]);
    expect(code).not.toBe(0);
  });

  it("that lets a pod gain privileges is refused at admission", async () => {
    const deployment = changed("Deployment", "engine", ({ spec }) => {
      spec.template.spec.containers[0].securityContext.capabilities.add = ["NET_ADMIN"];
    });
    const { metadata, spec } = deployment.spec.template;
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, name: "privileged", namespace: deployment.metadata.namespace },
      spec,
    };
    const { code, stderr } = await tryKubectl(place, strict, JSON.stringify(pod));
    expect([code, stderr]).toEqual([1, expect.stringContaining("violates PodSecurity")]);
  });
});

/** Where tests of a lab that stays up note what they provoked. */
const provokedFile = inLab(place, "provoked-rejections");
const unprovoked = async () =>
  (await rejectedConfigurations()) - Number(await readFile(provokedFile, "utf8").catch(() => "0"));

describe("a configuration", () => {
  it("has been rejected by no proxy", async () => {
    expect(await unprovoked()).toBe(0);
  });

  it("that a proxy rejects is noticed", async () => {
    const never = { connect_timeout: "-1s" };
    const wrong: Rendered = {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: { name: "wrong", namespace },
      spec: {
        workloadSelector: { labels: { app: "agents" } },
        configPatches: [
          {
            applyTo: "CLUSTER",
            match: { context: "SIDECAR_OUTBOUND" },
            patch: { operation: "MERGE", value: never },
          },
        ],
      },
    };
    await withRules([wrong], () => until("it is rejected", async () => (await unprovoked()) > 0));
    await writeFile(provokedFile, String(await rejectedConfigurations()));
  });
});
