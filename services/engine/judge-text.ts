import { TextRole, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { systemClock } from "../kit/clock.js";
import { defaults } from "./config.js";
import { assessAnswer } from "./domain/assess-answer.js";
import { createBuiltInIndex } from "./domain/built-in/index-built-in.js";
import { evaluateText } from "./domain/evaluate-text.js";
import { frameworks } from "./domain/frameworks/evaluate.js";
import { basisOf } from "./domain/judges/personal-data/finding.js";
import { findTold, maskPersonalData } from "./domain/judges/personal-data/personal-data.js";
import { shippedJudges } from "./domain/judges/shipped.js";
import { safetyHeads } from "./domain/models/heads.js";
import { shippedSupportModel, shippedTagger, shippedTextModel } from "./domain/models/shipped.js";
import type { TextReading } from "./domain/models/text-model.js";
import { effectivePolicy } from "./domain/policy/policy.js";

/** One line for `npx consciousness judge`. */
export interface JudgeInput {
  readonly text: string;
  /** `user` when left out. */
  readonly role?: "user" | "assistant" | "tool";
  /** What the text is said to stand on, when it is an answer. */
  readonly passages?: readonly string[];
  readonly question?: string;
}

/** Heads that may speak; null for those that abstain, as violence always does: rules judge it. */
export const headNames = [
  "sexual",
  "hate",
  "harassment",
  "self_harm",
  "violence",
  "harmful_request",
  "jailbreak",
  "instruction_in_data",
  "deontology",
  "justice",
  "utility",
] as const;

/** What is printed for one line. */
export interface JudgeOutput {
  readonly verdict: string;
  /** 0..1, 1 is fine; null when nothing could judge. */
  readonly overall_score: number | null;
  readonly heads: Readonly<Record<(typeof headNames)[number], number | null>>;
  /** Rules that were hit, personal data included. */
  readonly flags: readonly string[];
  readonly violations: readonly {
    readonly rule_id: string;
    readonly category: string;
    readonly severity: number;
    readonly spans: readonly { readonly start: number; readonly end: number }[];
  }[];
  /** Places in the text as given; names and addresses by best effort. */
  readonly pii: readonly {
    readonly type: string;
    readonly start: number;
    readonly end: number;
    readonly score: number;
    readonly basis: string;
  }[];
  /** What the text expresses; null in a language that the models do not know. */
  readonly emotion: TextReading["emotion"] | null;
  /** Share of the answer's terms that the passages have; null without passages. A measure of overlap. */
  readonly support: number | null;
  /** Calibrated probability that the passages support the text; null without passages. */
  readonly confidence: number | null;
  readonly basis: "rules" | "model";
  /** Version of the trained models. */
  readonly model_version: string;
}

const roles = { user: TextRole.USER, assistant: TextRole.ASSISTANT, tool: TextRole.TOOL } as const;

/** Makes the offline judge of texts: rules and trained heads, thresholds as shipped. */
export function createTextJudge(): (input: JudgeInput) => Promise<JudgeOutput> {
  const model = shippedTextModel();
  const deps = {
    clock: systemClock,
    judges: shippedJudges(),
    frameworks,
    maskPersonalData,
    budgets: defaults.budgets,
    readText: (text: string) => model.read(text),
  };
  const tagger = shippedTagger();
  const support = shippedSupportModel();
  const background = createBuiltInIndex();
  const policy = effectivePolicy([]);
  const unending = new AbortController().signal;
  return async ({ text, role = "user", passages, question }) => {
    const judged = { text, tenant: "", role: roles[role], strictness: defaults.ethicalStrictness, policy };
    const { response, masked, reading } = await evaluateText(judged, deps, unending);
    const evaluation = response.evaluation;
    const violations = evaluation?.violations ?? [];
    const assessed = passages ? assessAnswer({ text, question }, passages, background, support) : undefined;
    const found = [...masked.findings, ...findTold(text, tagger)].sort((a, b) => a.span.start - b.span.start);
    return {
      verdict: Verdict[response.verdict] ?? "",
      overall_score: evaluation?.overallScore ?? null,
      heads: reading ? headsOf(reading) : noHeads,
      flags: [...new Set(violations.map(({ ruleId }) => ruleId))],
      violations: violations.map(({ ruleId, category, severity, spans }) => ({
        rule_id: ruleId,
        category,
        severity,
        spans: spans.map(({ start, end }) => ({ start, end })),
      })),
      pii: found.map((one) => ({
        type: one.type,
        start: one.span.start,
        end: one.span.end,
        score: one.score,
        basis: basisOf(one),
      })),
      emotion: reading?.emotion ?? null,
      support: assessed?.support ?? null,
      confidence: assessed?.confidence ?? null,
      basis: reading ? "model" : "rules",
      model_version: model.version,
    };
  };
}

/** Noise that is made to steer a model counts as jailbreak. */
function headsOf({ safety, noise, ethics }: TextReading): JudgeOutput["heads"] {
  const harm = Object.fromEntries(safetyHeads.map((head) => [head, safety[head].probability]));
  const jailbreak = Math.max(safety.jailbreak.probability, noise.probability);
  return { ...noHeads, ...harm, jailbreak, ...ethics };
}

const noHeads = Object.fromEntries(headNames.map((name) => [name, null])) as JudgeOutput["heads"];

let shipped: ReturnType<typeof createTextJudge> | undefined;

/** Judges one text offline; the rules are compiled at the first call. */
export function judgeText(input: JudgeInput): Promise<JudgeOutput> {
  shipped ??= createTextJudge();
  return shipped(input);
}
