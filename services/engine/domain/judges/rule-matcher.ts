import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { TextSpan } from "../text/normalise.js";
import { splitWords, type Word } from "../text/words.js";
import type { Rule } from "./rule.js";
import {
  askPatterns,
  courtesy,
  instructPatterns,
  mentionWords,
  wishPatterns,
  wordSets,
} from "./rules/vocabulary.js";
import { compilePattern, matchLength, type WordPattern } from "./word-pattern.js";

/** A rule and where it was hit, in the folded text. */
export interface RuleHit {
  readonly rule: Rule;
  readonly span: TextSpan;
}

interface Candidate<T> {
  readonly pattern: WordPattern;
  readonly of: T;
}

type FirstWords<T> = ReadonlyMap<string, readonly Candidate<T>[]>;

interface Found<T> {
  readonly of: T;
  /** Index of the first word, and one past the last. */
  readonly from: number;
  readonly to: number;
}

const courtesyWords = new Set(courtesy.split(" "));
const mention = new Set(mentionWords.split(" "));
const mostCourtesy = 12;

/** Compiles rules once; the result finds every hit in a folded text, in time linear in its length. */
export function createRuleMatcher(rules: readonly Rule[]): (folded: string, scope: Scope) => RuleHit[] {
  const hits = index(rules, (rule) => rule.patterns);
  const excuses = index(rules, (rule) => rule.unless ?? []);
  const asks = index([true], () => askPatterns);
  const wishes = index([true], () => wishPatterns);
  const instructs = index([true], () => instructPatterns);

  return (folded, scope) => {
    const words = splitWords(folded);
    const found = find(hits, words).filter(({ of }) => of.scopes.includes(scope));
    const literals = rules
      .filter((rule) => rule.scopes.includes(scope))
      .flatMap((rule) => literalHits(rule, folded));
    if (found.length === 0) return literals;
    const excused = find(excuses, words);
    const questions = [...find(asks, words), ...(scope === Scope.OUTPUT ? find(instructs, words) : [])];
    const wished = find(wishes, words);
    const isWanted = (hit: Found<Rule>) =>
      hit.of.asked === undefined ||
      precedes(words, questions, hit) ||
      (hit.of.asked === "request" && (isImperative(words, hit.from) || precedes(words, wished, hit)));
    const stands = (hit: Found<Rule>) =>
      !excused.some((other) => other.of === hit.of && sameSentence(words, other, hit)) &&
      isWanted(hit) &&
      (!hit.of.mentionable || !isMention(words, hit, folded));
    return [...literals, ...found.filter(stands).map((hit) => ({ rule: hit.of, span: spanOf(words, hit) }))];
  };
}

function index<T>(items: readonly T[], patternsOf: (item: T) => readonly string[]): FirstWords<T> {
  const byWord = new Map<string, Candidate<T>[]>();
  for (const of of items) {
    for (const source of patternsOf(of)) {
      const pattern = compilePattern(source, wordSets);
      for (const word of pattern.first) byWord.set(word, [...(byWord.get(word) ?? []), { pattern, of }]);
    }
  }
  return byWord;
}

function find<T>(patterns: FirstWords<T>, words: readonly Word[]): Found<T>[] {
  const found: Found<T>[] = [];
  words.forEach((word, from) => {
    for (const { pattern, of } of patterns.get(word.text) ?? []) {
      if (pattern.imperative && !isImperative(words, from)) continue;
      const length = matchLength(pattern, words, from);
      if (length > 0) found.push({ of, from, to: from + length });
    }
  });
  return found;
}

/** Whether only words of courtesy stand before a word in its sentence. */
function isImperative(words: readonly Word[], at: number): boolean {
  const sentence = words[at]?.sentence;
  for (let before = at - 1; before >= 0 && words[before]?.sentence === sentence; before--) {
    if (at - before > mostCourtesy || !courtesyWords.has((words[before] as Word).text)) return false;
  }
  return true;
}

/** Whether one of `cues` begins before a hit, or with it, in the same sentence. */
function precedes(words: readonly Word[], cues: readonly Found<boolean>[], hit: Found<Rule>): boolean {
  return cues.some((cue) => cue.from <= hit.from && sameSentence(words, cue, hit));
}

function sameSentence(words: readonly Word[], a: { from: number }, b: { from: number }): boolean {
  return words[a.from]?.sentence === words[b.from]?.sentence;
}

/** Whether the hit is quoted in a sentence that speaks about words, as in: what does "…" mean? */
function isMention(words: readonly Word[], hit: Found<Rule>, folded: string): boolean {
  const { start, end } = spanOf(words, hit);
  const quoted =
    hasQuote(folded.slice(Math.max(0, start - 80), start)) && hasQuote(folded.slice(end, end + 80));
  return quoted && words.some((word, at) => mention.has(word.text) && sameSentence(words, { from: at }, hit));
}

function hasQuote(text: string): boolean {
  return ['"', "“", "”", "'", "‘", "’", "`", "«", "»"].some((quote) => text.includes(quote));
}

function spanOf(words: readonly Word[], { from, to }: { from: number; to: number }): TextSpan {
  return { start: (words[from] as Word).start, end: (words[to - 1] as Word).end };
}

function literalHits(rule: Rule, folded: string): RuleHit[] {
  return (rule.literals ?? []).flatMap((literal) => {
    const start = folded.indexOf(literal);
    return start < 0 ? [] : [{ rule, span: { start, end: start + literal.length } }];
  });
}
