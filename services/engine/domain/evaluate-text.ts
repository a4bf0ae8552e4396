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
import { detectorsDigest } from "./judges/judge-all.js";
import type { Masked } from "./judges/personal-data/personal-data.js";
import { blocks } from "./judges/severity.js";
import type { TextReading } from "./models/text-model.js";
import { isClosed } from "./policy/checked.js";
import { judgeText, type TextRuling, type TextUnderPolicy } from "./policy/judge-text.js";
import type { EffectivePolicy } from "./policy/policy.js";
import { opinionStep } from "./policy/tell-opinion.js";
import type { PipelineDeps } from "./run.js";
import { personalDataViolations } from "./stages/mask.js";

/** What judging one text needs. */
export type TextJudgeDeps = Pick<
  PipelineDeps,
  "clock" | "judges" | "llmJudge" | "frameworks" | "maskPersonalData" | "budgets" | "readText"
>;

/** A text to judge. */
export interface TextToJudge {
  readonly text: string;
  /** For whom it is judged. */
  readonly tenant: string;
  readonly role: TextRole;
  /** 0..1. */
  readonly strictness: number;
  readonly policy: EffectivePolicy;
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
  { text, tenant, role, strictness, policy }: TextToJudge,
  deps: TextJudgeDeps,
  signal: AbortSignal,
): Promise<TextJudgement> {
  const masked = await deps.maskPersonalData(text);
  const scope = scopes[role];
  const asked = { text: masked.text, scope, agentId: "", contextKeys: [], strictness };
  const ruled = await rule(asked, personalDataViolations(masked, scope), { ...deps, policy, tenant }, signal);
  const { violations, failed } = ruled;
  const verdict = verdictOf(ruled, strictness, masked);
  const uncovered = failed ? "a judge failed" : ruled.uncovered;
  const reading = uncovered === undefined ? await deps.readText?.(masked.text) : undefined;
  const evaluation = evaluateEthics(deps.frameworks, {
    text: masked.text,
    violations,
    uncovered,
    policy,
    detectorsDigest: detectorsDigest(deps.judges, deps.llmJudge),
    strictness,
    shadow: ruled.shadow,
    failures: ruled.failures,
    opinions: ruled.noted ? [ruled.noted.opinion] : [],
    reasoning: steps(masked, ruled, uncovered),
    model: reading && modelView(reading, masked.text, scope),
  });
  const modifiedText = verdict === Verdict.MODIFIED ? masked.text : "";
  const response = create(EvaluateEthicsResponseSchema, { verdict, evaluation, modifiedText });
  return { response, masked, ...(reading ? { reading } : {}) };
}

/** What the policy ruled, personal data included. */
interface Ruled extends TextRuling {
  /** A rule that fails closed could not be checked, or not in time. */
  readonly failed: boolean;
}

type RuleDeps = TextJudgeDeps & Pick<TextToJudge, "policy" | "tenant">;

async function rule(
  text: TextUnderPolicy,
  masked: readonly Violation[],
  { clock, judges, llmJudge, budgets, readText, policy, tenant }: RuleDeps,
  signal: AbortSignal,
): Promise<Ruled> {
  const start = clock.monotonic();
  const hits = masked.map(({ ruleId }) => ruleId);
  const none: ReadonlySet<string> = new Set();
  const personal = policy.ruleOnHits({
    facts: { ...text, hits },
    hits: masked,
    failed: none,
    headsFailed: false,
  });
  const budgetMs = budgets.screen_input;
  const opinions = llmJudge?.begin(tenant);
  const judged = await judgeText(text, { judges, policy, readText, budgetMs, opinions }, signal);
  const failures = [...judged.failures, ...personal.failures];
  return {
    violations: [...judged.violations, ...personal.violations],
    shadow: [...judged.shadow, ...personal.shadow],
    failures,
    ...(judged.uncovered === undefined ? {} : { uncovered: judged.uncovered }),
    ...(judged.noted && { noted: judged.noted }),
    failed: clock.monotonic() - start > budgetMs + (opinions?.mostMs ?? 0) || failures.some(isClosed),
  };
}

function verdictOf({ violations, failed }: Ruled, strictness: number, { findings }: Masked): Verdict {
  if (violations.some((one) => blocks(one, strictness))) return Verdict.BLOCKED;
  if (failed) return Verdict.CHECK_UNAVAILABLE;
  return findings.length > 0 ? Verdict.MODIFIED : Verdict.ALLOWED;
}

function steps({ text, findings }: Masked, { violations, noted }: Ruled, uncovered: string | undefined) {
  const hits = violations.filter(({ category }) => category !== "personal_data");
  const concluded = uncovered ? `cannot judge: ${uncovered}` : `${hits.length} rules hit`;
  return [
    create(ReasoningStepSchema, {
      stage: "mask",
      saw: `${text.length} characters`,
      concluded: `${findings.length} findings of personal data masked`,
    }),
    create(ReasoningStepSchema, { stage: "screen_input", saw: `${text.length} characters`, concluded }),
    ...(noted ? [opinionStep("screen_input", text, noted.opinion)] : []),
  ];
}
