import { isRecord } from "../../../json-record.js";
import { categories, verdicts } from "./prompt.js";

/** What a model said of a text. */
export interface LlmJudgement {
  readonly verdict: (typeof verdicts)[number];
  /** Each once; none exactly where it is harmless. */
  readonly categories: readonly (typeof categories)[number][];
  /** 0..1, as the model says. */
  readonly certainty: number;
}

const fields = ["mark", "verdict", "categories", "certainty"];

/**
 * Reads an answer to what was fenced by a mark. Undefined for anything that is
 * not exactly of the form that was asked for, that contradicts itself, or that
 * lacks the mark, as what was copied out of the judged text does.
 */
export function readLlmJudgement(content: string, mark: string): LlmJudgement | undefined {
  const answer = parse(content);
  if (!isRecord(answer) || Object.keys(answer).length !== fields.length) return undefined;
  const verdict = verdicts.find((one) => one === answer.verdict);
  const found = categoriesOf(answer.categories);
  const { certainty } = answer;
  if (answer.mark !== mark || !verdict || !found || !isPercentage(certainty)) return undefined;
  if ((verdict === "harmless") !== (found.length === 0)) return undefined;
  return { verdict, categories: found, certainty: certainty / 100 };
}

function categoriesOf(value: unknown): LlmJudgement["categories"] | undefined {
  if (!Array.isArray(value) || value.length > categories.length) return undefined;
  const found = categories.filter((one) => value.includes(one));
  return found.length === value.length ? found : undefined;
}

function isPercentage(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
