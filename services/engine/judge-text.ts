import { TextRole, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { systemClock } from "../kit/clock.js";
import { defaults } from "./config.js";
import { assessAnswer } from "./domain/assess-answer.js";
import { createBuiltInIndex } from "./domain/built-in/index-built-in.js";
import { evaluateText } from "./domain/evaluate-text.js";
import { frameworks } from "./domain/frameworks/evaluate.js";
import { maskPersonalData } from "./domain/judges/personal-data/personal-data.js";
import { createRuleJudge } from "./domain/judges/rule-judge.js";
import { ruleCatalogue } from "./domain/judges/rules/catalogue.js";

/** One line for `npx consciousness judge`. */
export interface JudgeInput {
  readonly text: string;
  /** `user` when left out. */
  readonly role?: "user" | "assistant" | "tool";
  /** What the text is said to stand on, when it is an answer. */
  readonly passages?: readonly string[];
  readonly question?: string;
}

/** Heads of trained models; null while there is none, or when it abstains. */
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
  /** Places in the text as given. */
  readonly pii: readonly { readonly type: string; readonly start: number; readonly end: number }[];
  readonly emotion: null;
  /** Share of the answer's terms that the passages have; null without passages. A measure of overlap. */
  readonly support: number | null;
  readonly confidence: null;
  readonly basis: "rules";
}

const roles = { user: TextRole.USER, assistant: TextRole.ASSISTANT, tool: TextRole.TOOL } as const;

/** Makes the offline judge of texts: rules only, thresholds as shipped. */
export function createTextJudge(): (input: JudgeInput) => Promise<JudgeOutput> {
  const deps = {
    clock: systemClock,
    judges: [createRuleJudge(ruleCatalogue)],
    frameworks,
    maskPersonalData,
    budgets: defaults.budgets,
  };
  const background = createBuiltInIndex();
  const unending = new AbortController().signal;
  return async ({ text, role = "user", passages }) => {
    const judged = { text, role: roles[role], strictness: defaults.ethicalStrictness };
    const { response, masked } = await evaluateText(judged, deps, unending);
    const evaluation = response.evaluation;
    const violations = evaluation?.violations ?? [];
    return {
      verdict: Verdict[response.verdict] ?? "",
      overall_score: evaluation?.overallScore ?? null,
      heads: noHeads,
      flags: [...new Set(violations.map(({ ruleId }) => ruleId))],
      violations: violations.map(({ ruleId, category, severity, spans }) => ({
        rule_id: ruleId,
        category,
        severity,
        spans: spans.map(({ start, end }) => ({ start, end })),
      })),
      pii: masked.findings.map(({ type, span }) => ({ type, start: span.start, end: span.end })),
      emotion: null,
      support: passages ? assessAnswer(masked.text, passages, background).support : null,
      confidence: null,
      basis: "rules",
    };
  };
}

const noHeads = Object.fromEntries(headNames.map((name) => [name, null])) as JudgeOutput["heads"];

let shipped: ReturnType<typeof createTextJudge> | undefined;

/** Judges one text offline; the rules are compiled at the first call. */
export function judgeText(input: JudgeInput): Promise<JudgeOutput> {
  shipped ??= createTextJudge();
  return shipped(input);
}
