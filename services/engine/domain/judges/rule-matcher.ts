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
  const patterns = index(rules, (rule) => rule.patterns);
  const cues: CuePatterns = {
    excuses: index(rules, (rule) => rule.unless ?? []),
    asks: index([true], () => askPatterns),
    wishes: index([true], () => wishPatterns),
    instructs: index([true], () => instructPatterns),
  };
  return (folded, scope) => {
    const words = splitWords(folded);
    const found = find(patterns, words).filter(({ of }) => of.scopes.includes(scope));
    const literals = rules
      .filter((rule) => rule.scopes.includes(scope))
      .flatMap((rule) => literalHits(rule, folded));
    if (found.length === 0) return literals;
    const stands = judgeOfHits(cues, words, folded, scope);
    return [...literals, ...found.filter(stands).map((hit) => ({ rule: hit.of, span: spanOf(words, hit) }))];
  };
}

interface CuePatterns {
  readonly excuses: FirstWords<Rule>;
  readonly asks: FirstWords<boolean>;
  readonly wishes: FirstWords<boolean>;
  readonly instructs: FirstWords<boolean>;
}

/** Looks for all cues once; the result says of a hit whether it stands. */
function judgeOfHits(cues: CuePatterns, words: readonly Word[], folded: string, scope: Scope) {
  const excused = new Map<Rule, Set<number>>();
  for (const { of, from } of find(cues.excuses, words)) {
    excused.set(of, (excused.get(of) ?? new Set()).add(sentenceOf(words, from)));
  }
  const instructs = scope === Scope.OUTPUT ? find(cues.instructs, words) : [];
  const asked = firstPlaces(words, [...find(cues.asks, words), ...instructs]);
  const wished = firstPlaces(words, find(cues.wishes, words));
  const mentions = new Set(words.filter(({ text }) => mention.has(text)).map(({ sentence }) => sentence));

  return (hit: Found<Rule>): boolean => {
    const { of: rule, from } = hit;
    const sentence = sentenceOf(words, from);
    if (excused.get(rule)?.has(sentence)) return false;
    if (rule.mentionable && mentions.has(sentence) && isQuoted(folded, spanOf(words, hit))) return false;
    const follows = (places: ReadonlyMap<number, number>) => (places.get(sentence) ?? words.length) <= from;
    if (rule.asked === undefined || follows(asked)) return true;
    return rule.asked === "request" && (isImperative(words, from) || follows(wished));
  };
}

/** The first word of the first cue, by sentence. */
function firstPlaces(words: readonly Word[], cues: readonly Found<boolean>[]): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (const { from } of cues) {
    const sentence = sentenceOf(words, from);
    places.set(sentence, Math.min(from, places.get(sentence) ?? from));
  }
  return places;
}

function sentenceOf(words: readonly Word[], at: number): number {
  return words[at]?.sentence ?? -1;
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

/** Whether quotation marks stand closely before and behind. */
function isQuoted(folded: string, { start, end }: TextSpan): boolean {
  return hasQuote(folded.slice(Math.max(0, start - 80), start)) && hasQuote(folded.slice(end, end + 80));
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
