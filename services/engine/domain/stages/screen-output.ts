import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ruleIds } from "../frameworks/framework.js";
import { judgeAll } from "../judges/judge-all.js";
import type { StageWork } from "../stage.js";
import { assessSupport } from "../support.js";
import { findingsOf, personalDataViolations } from "./mask.js";

/** Judges the answer, masked, looks for personal data in it and measures its support. */
export const screenOutput: StageWork = async (run, deps, signal) => {
  const draft = run.draft ?? "";
  const masked = await deps.maskPersonalData(draft);
  run.personalData.push(...findingsOf(masked.findings, Scope.OUTPUT));
  run.violations.push(...personalDataViolations(masked, Scope.OUTPUT));
  const { violations } = await judgeAll(deps.judges, masked.text, Scope.OUTPUT, signal);
  run.violations.push(...violations);
  const { support, sentences } = assessSupport(masked.text, run.evidence, run.idf);
  const hits = violations.length === 0 ? "no rule hit" : `rules hit: ${ruleIds(violations)}`;
  return {
    saw: `${sentences.length} sentences, ${masked.findings.length} findings of personal data`,
    concluded: `support ${support.toFixed(2)}, ${hits}`,
  };
};

/** Judges the answer again after reflection has changed it. */
export const screenRevision: StageWork = async (run, deps, signal) => {
  const masked = await deps.maskPersonalData(run.draft ?? "");
  const { violations } = await judgeAll(deps.judges, masked.text, Scope.OUTPUT, signal);
  const known = new Set(
    run.violations.filter(({ scope }) => scope === Scope.OUTPUT).map(({ ruleId }) => ruleId),
  );
  run.violations.push(...violations.filter(({ ruleId }) => !known.has(ruleId)));
  return {
    saw: `${masked.text.length} characters`,
    concluded: violations.length === 0 ? "no rule hit" : `rules hit: ${ruleIds(violations)}`,
  };
};
