import { create } from "@bufbuild/protobuf";
import { Scope, type Violation, ViolationSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ruleIds } from "../frameworks/framework.js";
import { blocks } from "../judges/severity.js";
import { requireChecked } from "../policy/checked.js";
import type { Run } from "../run.js";
import type { StageWork } from "../stage.js";
import { judgeInRun } from "./judge-in-run.js";
import { scopeOf } from "./mask.js";

/** Judges the input, every context entry and every other text of the conversation, masked. */
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
  for (const [at, { role, text }] of run.conversation.entries()) {
    const judged = await judgeInRun({ ...of, text, scope: scopeOf(role) }, run, deps, signal);
    run.violations.push(...judged.violations.map((one) => inConversation(one, at + 1)));
    requireChecked(judged);
    if (role === "system" || role === "user") run.uncovered ??= judged.uncovered;
  }
  return {
    saw: `${run.question.length} characters, ${entries.length} context entries, ${run.conversation.length} more texts`,
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

/** Spans would point into that text, not into the input. */
function inConversation(violation: Violation, number: number): Violation {
  const message = `${violation.message} It is in text ${number} of the conversation.`;
  return create(ViolationSchema, { ...violation, message, spans: [] });
}

function conclusion(run: Run): string {
  const hits = run.violations.filter(({ category }) => category !== "personal_data");
  if (isBlocked(run))
    return `blocked by ${ruleIds(blockingViolations(hits, run.request.options.ethicalStrictness))}`;
  if (run.uncovered) return `cannot judge: ${run.uncovered}`;
  return hits.length === 0 ? "no rule hit" : `hits that do not block: ${ruleIds(hits)}`;
}
