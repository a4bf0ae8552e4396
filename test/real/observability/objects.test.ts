import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installed } from "../servers/server.js";

const hasGo = installed("go");
const hasKubectl = installed("kubectl");

describe.runIf(hasGo && hasKubectl)("by the Go types of Kubernetes and of the Prometheus Operator", () => {
  const directory = mkdtempSync(join(tmpdir(), "operator-types-"));
  const program = join(directory, "operator-types");

  beforeAll(() => {
    // Types alone: the operator's own schemas cannot be had as a Go module.
    const args = ["build", "-mod=readonly", "-o", program, "."];
    execFileSync("go", args, { cwd: "test/real/observability/operator-types", stdio: "pipe" });
  }, 600_000);
  afterAll(() => rmSync(directory, { recursive: true }));

  const rendered = (overlay: string): string =>
    execFileSync("kubectl", ["kustomize", `k8s/overlays/${overlay}`], { encoding: "utf8" });
  const read = (text: string): string[] =>
    execFileSync(program, { encoding: "utf8", input: text }).trim().split("\n");

  it("everything that watches a cluster is right", () => {
    const said = read(rendered("observability"));
    expect(said.filter((line) => !line.startsWith("right "))).toEqual([]);
    expect(said).toEqual(
      expect.arrayContaining([
        "right monitoring.coreos.com/v1/Prometheus",
        "right monitoring.coreos.com/v1/Alertmanager",
        "right apps/v1/DaemonSet",
      ]),
    );
  });

  it.each(["development", "staging", "production"])("what watches %s is right", (environment) => {
    const said = read(rendered(environment)).filter((line) => line.includes("monitoring.coreos.com"));
    expect(said.filter((line) => !line.startsWith("right "))).toEqual([]);
    expect(new Set(said.map((line) => line.split("/").at(-1)))).toEqual(
      new Set(["ServiceMonitor", "PodMonitor", "PrometheusRule", "AlertmanagerConfig"]),
    );
  });

  it("a misspelt field is wrong, and a kind that nobody reads is unknown", () => {
    const misspelt = rendered("development").replaceAll("sampleLimit:", "sampleLimits:");
    expect(read(misspelt)).toContainEqual(expect.stringMatching(/^wrong .*ServiceMonitor.*sampleLimits/));
    expect(read("apiVersion: v1\nkind: Pots\n")).toEqual(["unknown v1/Pots"]);
  });
});
