import { splitSentences } from "../text/sentences.js";
import { probabilityOf } from "./calibration.js";
import type { ModelWeights } from "./load.js";
import type { SupportEntry } from "./manifest.js";
import { describeAnswer, describeQuestion } from "./support-features.js";
import { answerMode, type SupportMode } from "./support-mode.js";
import { type ClaimTerms, type PassageTerms, readClaim, readPassage } from "./support-terms.js";

/** How likely passages support an answer. */
export interface SupportReading {
  /** Calibrated probability that the best passage supports the answer, 0..1. */
  readonly confidence: number;
  /** Below this probability the answer is better withheld. */
  readonly abstainBelow: number;
}

/** What is said, and what was asked. */
export interface Claim {
  readonly text: string;
  readonly question?: string | undefined;
}

/** Reads how likely passages support a claim; undefined when nothing is said or there is no passage. */
export type SupportModel = (claim: Claim, passages: readonly string[]) => SupportReading | undefined;

/** Most passages that are read, and most characters of each. */
const mostPassages = 32;
const longestPassage = 16_384;
const longestClaim = 4096;
const mostSentences = 12;

/** The model of support from weights. */
export function createSupportModel({ manifest, frequency }: ModelWeights): SupportModel {
  const read = (claim: ReadClaim, passages: readonly PassageTerms[]): SupportReading => {
    const entry = manifest.support[claim.mode];
    const asked = readClaim(claim.asked, frequency);
    const said = readClaim(claim.said, frequency);
    const scores = passages.map((passage) => scoreOf(entry, featuresOf(asked, said, passage)));
    return { confidence: probabilityOf(Math.max(...scores), entry), abstainBelow: entry.abstainBelow };
  };
  return ({ text, question }, passages) => {
    const claims = claimsOf(text.slice(0, longestClaim), question?.slice(0, longestClaim) ?? "");
    const texts = passages
      .slice(0, mostPassages)
      .map((passage) => readPassage(passage.slice(0, longestPassage)));
    if (claims.length === 0 || texts.length === 0) return undefined;
    const answers = claims.filter(({ asked }) => asked !== "").map((claim) => read(claim, texts));
    const statements = claims.filter(({ asked }) => asked === "").map((claim) => read(claim, texts));
    return [...best(answers), ...worst(statements)].reduce((lower, one) =>
      one.confidence < lower.confidence ? one : lower,
    );
  };
}

function best(readings: readonly SupportReading[]): SupportReading[] {
  return [...readings].sort((a, b) => b.confidence - a.confidence).slice(0, 1);
}

function worst(readings: readonly SupportReading[]): SupportReading[] {
  return [...readings].sort((a, b) => a.confidence - b.confidence).slice(0, 1);
}

function featuresOf(asked: ClaimTerms, said: ClaimTerms, passage: PassageTerms): number[] {
  const about = asked.text === "" ? [] : describeQuestion(asked, passage);
  return said.text === "" ? about : [...about, ...describeAnswer(said, asked, passage)];
}

interface ReadClaim {
  readonly mode: SupportMode;
  /** The question; empty for a statement. */
  readonly asked: string;
  /** The answer; empty when nothing is said beyond the question. */
  readonly said: string;
}

/** A yes or no says nothing that a passage could hold: the question stands for it. */
const bare = new Set(["", "yes", "no", "true", "false"]);

/**
 * What has to be borne out. An answer of one sentence is read beside its
 * question; of several, one has to answer it, and each has to stand on a
 * passage. Without a question each sentence is a statement.
 */
function claimsOf(text: string, question: string): ReadClaim[] {
  const said = text.trim();
  const asked = question.trim();
  if (asked === "" && said.endsWith("?")) return [{ mode: "question", asked: said, said: "" }];
  const plain = said.toLowerCase().replaceAll(".", "");
  if (asked !== "" && (bare.has(plain) || said === asked)) return [{ mode: "question", asked, said: "" }];
  const sentences = splitSentences(said)
    .map(({ start, end }) => said.slice(start, end))
    .slice(0, mostSentences);
  const statements = sentences.map((one): ReadClaim => ({ mode: "statement", asked: "", said: one }));
  if (asked === "") return statements;
  const answers = sentences.map((one): ReadClaim => ({ mode: answerMode(one), asked, said: one }));
  return sentences.length === 1 ? answers : [...answers, ...statements];
}

function scoreOf({ weights, bias }: SupportEntry, features: readonly number[]): number {
  return features.reduce((sum, value, at) => sum + value * (weights[at] as number), bias);
}
