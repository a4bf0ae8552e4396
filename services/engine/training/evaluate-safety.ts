import { type SafetyHead, safetyHeads } from "../domain/models/heads.js";
import type { TextModel } from "../domain/models/text-model.js";
import type { Dataset, Item } from "./dataset.js";
import { type Figure, measure } from "./figure.js";
import { groupBy } from "./group-by.js";
import type { LeftOutReading } from "./left-out.js";
import {
  auroc,
  averagePrecision,
  calibrationError,
  mean,
  type Separation,
  shareAbove,
  thresholdAt,
} from "./metrics.js";
import { benignSources } from "./sources/benign.js";
import { atBaseRate } from "./train-safety.js";

/** One text under one head: what it is, and what the head says. */
interface Scored {
  readonly item: Item;
  readonly yes: boolean;
  readonly probability: number;
  readonly warned: boolean;
  readonly blocked: boolean;
}

/** Fewer texts than this make no figure. */
const fewest = 15;
const benign = new Set(benignSources.map(({ name }) => name));
const requests = ["harmful_request", "jailbreak"];

/** Figures of the shipped weights on the test split: groups that training did not see, of sources that it did. */
export function evaluateSafety({ items }: Dataset, model: TextModel): Figure[] {
  const readings = items
    .filter(({ split }) => split === "test")
    .map((item) => ({ item, safety: model.read(item.text).safety }));
  const figures = safetyHeads.flatMap((head) => {
    const scored = readings.flatMap(({ item, safety }): Scored[] => {
      const { probability, level } = safety[head];
      const label = item.labels[head];
      return label === undefined
        ? []
        : [{ item, yes: label === 1, probability, warned: level !== "none", blocked: level === "block" }];
    });
    return headFigures(head, scored, "test split");
  });
  const blocked = readings
    .filter(({ item }) => benign.has(item.source))
    .map(({ item, safety }) => ({
      item,
      blocked: Object.entries(safety).some(
        ([head, { level }]) => level === "block" && head !== "instruction_in_data",
      ),
    }));
  return [...figures, ...falseBlocks(blocked)];
}

/** Figures of each head by models that saw nothing of the source they are measured on, at the shipped thresholds. */
export function evaluateTransfer(readings: readonly LeftOutReading[]): Figure[] {
  return safetyHeads.flatMap((head) => {
    const scored = readings
      .filter(({ item }) => item.labels[head] !== undefined)
      .map(({ item, heads }): Scored => {
        const { probability, level } = heads[head];
        return {
          item,
          yes: item.labels[head] === 1,
          probability,
          warned: level !== "none",
          blocked: level === "block",
        };
      });
    return headFigures(head, scored, "source left out");
  });
}

function headFigures(head: SafetyHead, scored: readonly Scored[], split: string): Figure[] {
  const ordinary = scored.filter(({ item, yes }) => !yes && benign.has(item.source));
  const bySource = [...groupBy(scored, ({ item }) => item.source)];
  return [
    measure({ ability: `${head} AUROC`, set: `all, ${split}` }, scored, (list) => auroc(separate(list))),
    measure({ ability: `${head} AUPRC`, set: `all, ${split}`, goal: "0.75" }, scored, (list) =>
      averagePrecision(separate(list)),
    ),
    measure({ ability: `${head} calibration error at its base rate`, set: `all, ${split}` }, scored, (list) =>
      calibrationError(
        list.map(({ probability }) => probability),
        list.map(({ yes }) => Number(yes)),
        atBaseRate(list.map(({ yes }) => Number(yes))),
      ),
    ),
    measure(
      { ability: `${head} ordinary texts blocked`, set: `benign, ${split}`, goal: "0.001" },
      ordinary,
      blockedShare,
    ),
    measure({ ability: `${head} ordinary texts warned of`, set: `benign, ${split}` }, ordinary, warnedShare),
    ...bySource.flatMap(([source, list]) => sourceFigures(head, source, split, list, ordinary)),
  ];
}

function sourceFigures(
  head: SafetyHead,
  source: string,
  split: string,
  list: readonly Scored[],
  ordinary: readonly Scored[],
): Figure[] {
  const positive = list.filter(({ yes }) => yes);
  const negative = list.filter(({ yes }) => !yes);
  const set = `${source}, ${split}`;
  const both = positive.length >= fewest && negative.length >= fewest;
  const scores = ordinary.map(({ probability }) => probability);
  const recalls = [0.01, 0.02].map((share) => {
    const threshold = thresholdAt(scores, share);
    const above = (some: readonly Scored[]) =>
      shareAbove(
        some.map(({ probability }) => probability),
        threshold,
      );
    return measure({ ability: `${head} recall at ${share * 100} % of benign`, set }, positive, above);
  });
  return [
    ...(positive.length >= fewest
      ? [measure({ ability: `${head} blocked`, set }, positive, blockedShare), ...recalls]
      : []),
    ...(negative.length >= fewest && (requests.includes(head) || !benign.has(source))
      ? [measure({ ability: `${head} false blocks`, set }, negative, blockedShare)]
      : []),
    ...(both ? [measure({ ability: `${head} AUROC`, set }, list, (some) => auroc(separate(some)))] : []),
    ...(both
      ? [measure({ ability: `${head} AUPRC`, set }, list, (some) => averagePrecision(separate(some)))]
      : []),
    ...partFigures(head, source, split, negative),
  ];
}

/** False warnings by identity group and functionality. */
function partFigures(head: SafetyHead, source: string, split: string, negative: readonly Scored[]): Figure[] {
  if (
    head !== "hate" ||
    (source !== "HateCheck" && source !== "ToxiGen prompts") ||
    split !== "source left out"
  )
    return [];
  return [...groupBy(negative, ({ item }) => item.part ?? "")]
    .filter(([, list]) => list.length >= fewest)
    .map(([part, list]) =>
      measure({ ability: `${head} false warnings`, set: `${source} ${part}, ${split}` }, list, warnedShare),
    );
}

function falseBlocks(readings: readonly { item: Item; blocked: boolean }[]): Figure[] {
  const bands = groupBy(readings, ({ item }) =>
    item.text.length <= 200 ? "up to 200" : item.text.length <= 1000 ? "201 to 1,000" : "over 1,000",
  );
  return [...bands].map(([band, list]) =>
    measure(
      { ability: "any head blocks an ordinary text", set: `${band} characters, test split`, goal: "0.001" },
      list,
      blockedShare,
    ),
  );
}

function separate(list: readonly Scored[]): Separation {
  return {
    positive: list.filter(({ yes }) => yes).map(({ probability }) => probability),
    negative: list.filter(({ yes }) => !yes).map(({ probability }) => probability),
  };
}

function blockedShare(list: readonly { readonly blocked: boolean }[]): number {
  return mean(list.map(({ blocked }) => Number(blocked)));
}

function warnedShare(list: readonly Scored[]): number {
  return mean(list.map(({ warned }) => Number(warned)));
}
