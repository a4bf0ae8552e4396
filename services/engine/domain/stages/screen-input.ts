import { create } from "@bufbuild/protobuf";
import { Scope, type Violation, ViolationSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ruleIds } from "../frameworks/framework.js";
import { blocks } from "../judges/severity.js";
import { requireChecked } from "../policy/checked.js";
import type { Run } from "../run.js";
import type { StageWork } from "../stage.js";
import { judgeInRun } from "./judge-in-run.js";

/** Judges the input and every context entry, masked. */
export const screenInput: StageWork = async (run, deps, signal) => {
  const of = { scope: Scope.INPUT, stage: "screen_input" } as const;
  const ruling = await judgeInRun({ ...of, text: run.question }, run, deps, signal);
  run.violations.push(...ruling.violations);
  requireChecked(ruling);
  run.uncovered = ruling.uncovered;
  const entries = Object.entries(run.context);
  for (const [key, value] of entries) {
    const judged = await judgeInRun({ ...of, text: `${key}: ${value}` }, run, deps, signal);
    run.violations.push(...judged.violations.map(inContext));
    requireChecked(judged);
  }
  return {
    saw: `${run.question.length} characters, ${entries.length} context entries`,
    concluded: conclusion(run),
  };
};

/** Whether a violation of the input or the answer blocks. What was wrong with evidence has been left out already. */
export function isBlocked({ violations, request }: Run): boolean {
  return blockingViolations(violations, request.options.ethicalStrictness).length > 0;
}

/** The violations that block at a strictness, gravest first. */
export function blockingViolations(violations: readonly Violation[], strictness: number): Violation[] {
  return violations
    .filter(({ scope }) => scope !== Scope.EVIDENCE)
    .filter((one) => blocks(one, strictness))
    .sort((a, b) => b.severity - a.severity);
}

/** Spans would point into the entry, not into the input. */
function inContext(violation: Violation): Violation {
  const message = `${violation.message} It is in the context.`;
  return create(ViolationSchema, { ...violation, message, spans: [] });
}

function conclusion(run: Run): string {
  const hits = run.violations.filter(({ category }) => category !== "personal_data");
  if (isBlocked(run))
    return `blocked by ${ruleIds(blockingViolations(hits, run.request.options.ethicalStrictness))}`;
  if (run.uncovered) return `cannot judge: ${run.uncovered}`;
  return hits.length === 0 ? "no rule hit" : `hits that do not block: ${ruleIds(hits)}`;
}
