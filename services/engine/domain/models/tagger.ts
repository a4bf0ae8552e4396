import { probabilityOf } from "./calibration.js";
import type { ModelWeights } from "./load.js";
import type { TagEntry } from "./manifest.js";
import { type TagToken, tagFeatureCount, tagFeatures, tagTokens } from "./tag-features.js";

/** What the tagger looks for. */
export const tags = ["name", "address"] as const;

/** A kind of stretch that the tagger finds. */
export type Tag = (typeof tags)[number];

/** A stretch that is likely a name or an address. */
export interface Tagged {
  readonly tag: Tag;
  readonly start: number;
  readonly end: number;
  /** The highest probability of its words, 0..1. */
  readonly probability: number;
}

/** Finds names of people and addresses by their words and those around them: best effort. */
export type Tagger = (text: string) => Tagged[];

/** Longest text that is tagged, in UTF-16 units. */
const longest = 16_384;
/** Words and signs that may lie between two parts of one address. */
const widestGap: Readonly<Record<Tag, number>> = { name: 0, address: 3 };

/** What the threshold is multiplied by behind a word that belongs. */
const easier = 0.4;

/** The tagger from weights. Holds a buffer. */
export function createTagger({ manifest, tagging, frequency }: ModelWeights): Tagger {
  const buckets = new Uint16Array(tagFeatureCount);
  const scale = 1 / Math.sqrt(tagFeatureCount);
  const probability = (head: number, entry: TagEntry): number => {
    let sum = 0;
    for (let place = 0; place < tagFeatureCount; place++)
      sum += tagging[(buckets[place] as number) * tags.length + head] as number;
    return probabilityOf(sum * scale * entry.scale + entry.bias, entry);
  };
  return (text) => {
    const tokens = tagTokens(text.slice(0, longest), frequency);
    const found = tags.map((): { at: number; probability: number }[] => []);
    for (let at = 0; at < tokens.length; at++) {
      tagFeatures(tokens, at, buckets);
      manifest.tags.forEach((entry, head) => {
        const likely = probability(head, entry);
        const follows = found[head]?.at(-1)?.at === at - 1;
        if (likely >= entry.threshold * (follows ? easier : 1))
          found[head]?.push({ at, probability: likely });
      });
    }
    return tags.flatMap((tag, head) => joined(tag, found[head] ?? [], tokens));
  };
}

/** Joins neighbours to stretches; an address needs a number or two words. */
function joined(
  tag: Tag,
  hits: readonly { at: number; probability: number }[],
  tokens: readonly TagToken[],
): Tagged[] {
  const stretches: { first: number; last: number; probability: number }[] = [];
  for (const { at, probability } of hits) {
    const open = stretches.at(-1);
    if (open && at - open.last <= widestGap[tag] + 1) {
      open.last = at;
      open.probability = Math.max(open.probability, probability);
    } else {
      stretches.push({ first: at, last: at, probability });
    }
  }
  return stretches.map(({ first, last, probability }) => ({
    tag,
    start: tokens[first]?.start ?? 0,
    end: tokens[last]?.end ?? 0,
    probability,
  }));
}
