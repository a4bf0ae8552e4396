import type { Dataset } from "./dataset.js";

/** Milliseconds of one call, over texts of about 1,000 characters. */
export interface Speed {
  readonly median: number;
  readonly p95: number;
}

const rounds = 4;

/**
 * Times a judge on texts of 900 to 1,100 characters. Of several rounds over all
 * texts the fastest try at each counts, since the others tell of what else the
 * machine does; rounds, so that nothing is remembered from the last text.
 */
export async function measureSpeed({ items }: Dataset, judge: (text: string) => unknown): Promise<Speed> {
  const texts = items.filter(({ text }) => text.length >= 900 && text.length <= 1100).slice(0, 400);
  const times = new Float64Array(texts.length).fill(Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [at, { text }] of texts.entries()) {
      const start = process.hrtime.bigint();
      await judge(text);
      times[at] = Math.min(times[at] as number, Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  times.sort();
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95) };
}
