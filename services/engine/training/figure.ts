import { hashText } from "../domain/models/hash.js";
import { createRandom } from "./random.js";

/** A measured number with its interval. */
export interface Figure {
  readonly ability: string;
  /** On what it was measured, with the split. */
  readonly set: string;
  readonly count: number;
  readonly value: number;
  /** Ends of the 95 % bootstrap interval. */
  readonly low: number;
  readonly high: number;
  /** What was aimed at, in words. */
  readonly goal?: string;
}

const resamples = 100;
/** A larger set is resampled in part, and the spread scaled to its size (m out of n, Bickel et al. 1997). */
const mostResampled = 1000;

/** Measures a statistic of items, with a percentile bootstrap (Efron 1979) over them. */
export function measure<T>(
  about: Pick<Figure, "ability" | "set" | "goal">,
  items: readonly T[],
  statistic: (items: readonly T[]) => number,
): Figure {
  const random = createRandom(hashText(`${about.ability}/${about.set}`));
  const size = Math.min(items.length, mostResampled);
  const value = statistic(items);
  const draws = Array.from({ length: resamples }, () =>
    statistic(Array.from({ length: size }, () => items[random(items.length)] as T)),
  );
  const sorted = draws.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? value;
  const shrink = Math.sqrt(size / items.length);
  const at = (share: number) =>
    value + ((sorted[Math.floor(share * sorted.length)] ?? middle) - middle) * shrink;
  return { ...about, count: items.length, value, low: at(0.025), high: at(0.975) };
}

/** A figure as one line of text. */
export function lineOf({ ability, set, count, value, low, high, goal }: Figure): string {
  const text = `${ability} | ${set} | ${count} | ${show(value)} | ${show(low)}–${show(high)} | ${goal ?? ""}`;
  return `| ${text} |`.replace("|  |", "| |");
}

function show(value: number): string {
  if (!Number.isFinite(value)) return "–";
  // One in a thousand is a goal, so that shares near it need a fourth place.
  return value !== 0 && Math.abs(value) < 0.01 ? value.toFixed(4) : value.toFixed(3);
}
