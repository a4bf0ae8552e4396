import { create } from "@bufbuild/protobuf";
import {
  type EvaluateEthicsResponse,
  EvaluateEthicsResponseSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import {
  ReasoningStepSchema,
  Scope,
  TextRole,
  Verdict,
  type Violation,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { evaluateEthics } from "./frameworks/evaluate.js";
import { modelView } from "./frameworks/model-view.js";
import { type JointJudgement, jointDigest, judgeAll } from "./judges/judge-all.js";
import type { Masked } from "./judges/personal-data/personal-data.js";
import { blocks } from "./judges/severity.js";
import type { TextReading } from "./models/text-model.js";
import type { PipelineDeps } from "./run.js";
import { raceBudget } from "./stage.js";
import { personalDataViolations } from "./stages/mask.js";

/** What judging one text needs. */
export type TextJudgeDeps = Pick<
  PipelineDeps,
  "clock" | "judges" | "frameworks" | "maskPersonalData" | "budgets" | "readText"
>;

/** A text to judge. */
export interface TextToJudge {
  readonly text: string;
  readonly role: TextRole;
  /** 0..1. */
  readonly strictness: number;
}

/** The judgement, and what was masked. */
export interface TextJudgement {
  readonly response: EvaluateEthicsResponse;
  readonly masked: Masked;
  /** What the models say of the masked text; absent without models or where they cannot judge. */
  readonly reading?: TextReading;
}

const scopes: Readonly<Record<TextRole, Scope>> = {
  [TextRole.UNSPECIFIED]: Scope.INPUT,
  [TextRole.USER]: Scope.INPUT,
  [TextRole.ASSISTANT]: Scope.OUTPUT,
  [TextRole.TOOL]: Scope.EVIDENCE,
};

/** Judges one text and stores nothing. A judge that fails or takes too long makes the verdict CHECK_UNAVAILABLE. */
export async function evaluateText(
  { text, role, strictness }: TextToJudge,
  deps: TextJudgeDeps,
  signal: AbortSignal,
): Promise<TextJudgement> {
  const masked = await deps.maskPersonalData(text);
  const scope = scopes[role];
  const judged = await judge(masked.text, scope, deps, signal);
  const violations = [...(judged?.violations ?? []), ...personalDataViolations(masked, scope)];
  const verdict = verdictOf(judged, violations, strictness);
  const uncovered = judged ? judged.uncovered : "a judge failed";
  const reading = uncovered === undefined ? await deps.readText?.(masked.text) : undefined;
  const evaluation = evaluateEthics(deps.frameworks, {
    text: masked.text,
    violations,
    uncovered,
    policyDigest: jointDigest(deps.judges),
    reasoning: steps(masked, violations, uncovered),
    model: reading && modelView(reading, masked.text, scope),
  });
  const modifiedText = verdict === Verdict.MODIFIED ? masked.text : "";
  const response = create(EvaluateEthicsResponseSchema, { verdict, evaluation, modifiedText });
  return { response, masked, ...(reading ? { reading } : {}) };
}

async function judge(
  text: string,
  scope: Scope,
  { clock, judges, budgets }: TextJudgeDeps,
  signal: AbortSignal,
): Promise<JointJudgement | undefined> {
  const budgetMs = budgets.screen_input;
  const start = clock.monotonic();
  try {
    const judged = await raceBudget(budgetMs, signal, (stop) => judgeAll(judges, text, scope, stop));
    return clock.monotonic() - start > budgetMs ? undefined : judged;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function verdictOf(
  judged: JointJudgement | undefined,
  violations: readonly Violation[],
  strictness: number,
): Verdict {
  if (violations.some((one) => blocks(one, strictness))) return Verdict.BLOCKED;
  if (!judged) return Verdict.CHECK_UNAVAILABLE;
  const masked = violations.some(({ category }) => category === "personal_data");
  return masked ? Verdict.MODIFIED : Verdict.ALLOWED;
}

function steps({ text, findings }: Masked, violations: readonly Violation[], uncovered: string | undefined) {
  const hits = violations.filter(({ category }) => category !== "personal_data");
  const concluded = uncovered ? `cannot judge: ${uncovered}` : `${hits.length} rules hit`;
  return [
    create(ReasoningStepSchema, {
      stage: "mask",
      saw: `${text.length} characters`,
      concluded: `${findings.length} findings of personal data masked`,
    }),
    create(ReasoningStepSchema, { stage: "screen_input", saw: `${text.length} characters`, concluded }),
  ];
}
