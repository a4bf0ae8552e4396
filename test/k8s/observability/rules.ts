import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { dashboardsOf } from "../../../k8s/observability/dashboards/dashboards.js";
import { grafanaJson } from "../../../k8s/observability/dashboards/panel.js";
import type { AlertingRule, RecordingRule } from "../../../k8s/observability/rule.js";
import { ruleGroups } from "../../../k8s/observability/rules.js";
import { readContract } from "../../../services/generate/contract.js";

/** The contract that is committed. */
export const contract = readContract(
  createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync("gen/contract/contract.binpb"))),
);

const rules = ruleGroups(contract).flatMap((group) => group.rules);

/** Rules that keep an expression under a name. */
export const recordings = rules.filter((rule): rule is RecordingRule => "record" in rule);
/** Rules that tell somebody. */
export const alerts = rules.filter((rule): rule is AlertingRule => "alert" in rule);

interface GrafanaPanel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

/** Dashboards as Grafana reads them. */
export const dashboards = dashboardsOf(contract).map(
  (dashboard) =>
    JSON.parse(grafanaJson(dashboard)) as { readonly uid: string; readonly panels: readonly GrafanaPanel[] },
);

/** Queries of every panel, with what stands for Grafana's variables. */
export const queries = dashboards.flatMap(({ uid, panels }) =>
  panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `${uid}: ${title}`, expr: withoutVariables(expr) })),
  ),
);

function withoutVariables(expr: string): string {
  return expr.replaceAll("$__rate_interval", "5m").replaceAll("$namespace", ".*").replaceAll("$job", ".*");
}
