import type { SafetyHead } from "../domain/models/heads.js";
import { bandOf } from "../domain/models/manifest.js";
import type { Item } from "./dataset.js";
import { groupBy } from "./group-by.js";
import { thresholdAt } from "./metrics.js";
import { benignSources } from "./sources/benign.js";
import { sample } from "./sources/sample.js";

/** Ends of the length bands, in UTF-16 units. */
export const bands: readonly number[] = [200, 1000];

/** How strongly a threshold lets a head speak. */
export type Strength = "warn" | "block";

/** A harmless text of a source that the scoring model did not see. */
export interface HarmlessScore {
  readonly item: Item;
  readonly score: number;
}

/** Shares of harmless texts of unseen sources above a threshold; three heads block, so each may take a third of 0.1 %. */
const ordinaryShares = { warn: 0.01, block: 0.00035 } as const;
/** Shares of the harmless texts of any one unseen source. */
const sourceShares = { warn: 0.05, block: 0.01 } as const;
const fewestOfSource = 100;
/** Shares of harmless texts made to look like harm. */
const lookAlikeShares = { warn: 0.1, block: 0.02 } as const;
/** Shares of harmless requests that differ from harmful ones in an object or a context, with the verb unseen. */
const contrastShares = { warn: 0.3, block: 0.03 } as const;
const contrasts = new Set(["own contrast requests", "own paired requests", "own safe contexts"]);
/** Fewer texts than this say too little about one in a thousand. */
const fewest = 1500;
const mostOfSource = 1500;

const ordinary = new Set([
  ...benignSources.map(({ name }) => name).filter((name) => !name.startsWith("NotInject")),
  "own chatter",
]);
const lookAlike = new Set([
  "NotInject one",
  "NotInject two",
  "deepset prompt injections",
  "own grave topics",
  "own safe contexts",
  "own statements",
  "own attacks",
  "own embedded instructions",
  "BIPIA",
]);
/** Heads that may block by themselves; the others warn, since what they find is often quoted, told or meant well. */
const blocking: ReadonlySet<SafetyHead> = new Set(["harmful_request", "jailbreak", "instruction_in_data"]);

/** Whether a source holds harmless texts of the usual kind. */
export function isOrdinary({ source }: Item): boolean {
  return ordinary.has(source);
}

/** Whether a head may block by itself. */
export function mayBlock(head: SafetyHead): boolean {
  return blocking.has(head);
}

/** For each length band, the score that few enough harmless texts of unseen sources exceed. */
export function thresholdsOf(harmless: readonly HarmlessScore[], strength: Strength): number[] {
  const bySource = groupBy(
    harmless.filter(({ item }) => isOrdinary(item)),
    ({ item }) => item.source,
  );
  const pool = [...bySource.values()].flatMap((scores) => sample(scores, mostOfSource));
  const sources = [...bySource.values()].filter((scores) => scores.length >= fewestOfSource);
  const floor = Math.max(
    thresholdOver(pool, ordinaryShares[strength]),
    thresholdOver(
      harmless.filter(({ item }) => lookAlike.has(item.source)),
      lookAlikeShares[strength],
    ),
    thresholdOver(
      harmless.filter(({ item }) => contrasts.has(item.source)),
      contrastShares[strength],
    ),
    ...sources.map((scores) => thresholdOver(scores, sourceShares[strength])),
  );
  return [...bands, Number.POSITIVE_INFINITY].map((_, band) => {
    const scores = pool.filter(({ item }) => bandOf(bands, item.text.length) === band);
    return scores.length < fewest ? floor : Math.max(floor, thresholdOver(scores, ordinaryShares[strength]));
  });
}

function thresholdOver(harmless: readonly HarmlessScore[], share: number): number {
  const scores = harmless.map(({ score }) => score);
  return scores.length > 0 ? thresholdAt(scores, share) : Number.NEGATIVE_INFINITY;
}
