import type { ImageContract } from "../../services/generate/contract.js";
import { judgementAlerts } from "./alerts/judgement.js";
import { platformAlerts } from "./alerts/platform.js";
import { burnAlerts, burnRecordings } from "./burn-rates.js";
import { scaledBy } from "./durations.js";
import { businessRecordings } from "./recordings.js";
import type { RuleGroup } from "./rule.js";
import { slosOf } from "./slos.js";

/**
 * Every rule of Prometheus. All of their windows and waiting times are
 * multiplied by `factor`, so that tests see in seconds what takes hours.
 */
export function ruleGroups(contract: ImageContract, factor = 1): RuleGroup[] {
  const scaled = scaledBy(factor);
  const slos = slosOf(contract);
  return [
    { name: "consciousness-objectives", rules: burnRecordings(slos, scaled) },
    { name: "consciousness-business", rules: businessRecordings(scaled) },
    { name: "consciousness-budgets", rules: burnAlerts(slos, scaled) },
    { name: "consciousness-platform", rules: platformAlerts(contract, scaled) },
    { name: "consciousness-judgement", rules: judgementAlerts(scaled) },
  ];
}
