import { create } from "@bufbuild/protobuf";
import { Scope, ViolationSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { ToolCall } from "../compose/completion.js";
import { ruleIds } from "../frameworks/framework.js";
import { requireChecked } from "../policy/checked.js";
import { maskedKey, type PipelineDeps, type Run } from "../run.js";
import type { StageWork } from "../stage.js";
import { assessSupport } from "../support.js";
import { judgeInRun, ruleOnMasked } from "./judge-in-run.js";
import { findingsOf, personalDataViolations } from "./mask.js";
import { maskArguments } from "./mask-arguments.js";

/** Judges the answer, masked, looks for personal data in it and measures its support. */
export const screenOutput: StageWork = async (run, deps, signal) => {
  const draft = run.draft ?? "";
  const masked = await deps.maskPersonalData(draft);
  run.personalData.push(...findingsOf(masked.findings, Scope.OUTPUT));
  ruleOnMasked(masked.text, personalDataViolations(masked, Scope.OUTPUT), Scope.OUTPUT, run);
  const of = { scope: Scope.OUTPUT, stage: "screen_output" } as const;
  const ruling = await judgeInRun({ ...of, text: masked.text }, run, deps, signal);
  const { violations } = ruling;
  run.violations.push(...violations);
  requireChecked(ruling);
  await screenToolCalls(run, deps, signal);
  const { support, sentences } = assessSupport(masked.text, run.evidence, run.idf);
  const hits = violations.length === 0 ? "no rule hit" : `rules hit: ${ruleIds(violations)}`;
  return {
    saw: `${sentences.length} sentences, ${masked.findings.length} findings of personal data`,
    concluded: `support ${support.toFixed(2)}, ${hits}`,
  };
};

/** Judges the functions that the answer wants called, and masks their arguments. */
async function screenToolCalls(run: Run, deps: PipelineDeps, signal: AbortSignal): Promise<void> {
  const masked: ToolCall[] = [];
  for (const call of run.toolCalls) {
    const found = await maskArguments(call.arguments, deps.maskPersonalData);
    run.personalData.push(...findingsOf(found.findings, Scope.TOOL_CALL));
    ruleOnMasked(found.text, personalDataViolations(found, Scope.TOOL_CALL), Scope.TOOL_CALL, run);
    const text = `${call.name}\n${found.text}`;
    const judged = { text, scope: Scope.TOOL_CALL, stage: "screen_output" } as const;
    const ruling = await judgeInRun(judged, run, deps, signal);
    run.violations.push(...ruling.violations.map((one) => create(ViolationSchema, { ...one, spans: [] })));
    requireChecked(ruling);
    run.masked.set(maskedKey("answer", call.arguments), { part: "answer", masked: found });
    run.toolCallsMasked ||= found.findings.length > 0;
    masked.push({ ...call, arguments: found.text });
  }
  run.toolCalls = masked;
}

/** Judges the answer again after reflection has changed it. */
export const screenRevision: StageWork = async (run, deps, signal) => {
  const masked = await deps.maskPersonalData(run.draft ?? "");
  const of = { scope: Scope.OUTPUT, stage: "screen_revision" } as const;
  const ruling = await judgeInRun({ ...of, text: masked.text }, run, deps, signal);
  const { violations } = ruling;
  const known = new Set(
    run.violations.filter(({ scope }) => scope === Scope.OUTPUT).map(({ ruleId }) => ruleId),
  );
  run.violations.push(...violations.filter(({ ruleId }) => !known.has(ruleId)));
  requireChecked(ruling);
  return {
    saw: `${masked.text.length} characters`,
    concluded: violations.length === 0 ? "no rule hit" : `rules hit: ${ruleIds(violations)}`,
  };
};
