import type { Dataset } from "./dataset.js";

/** Milliseconds of one call, over texts of about 1,000 characters. */
export interface Speed {
  readonly median: number;
  readonly p95: number;
}

/** Times a judge on texts of 900 to 1,100 characters, after a first round that warms up. */
export async function measureSpeed({ items }: Dataset, judge: (text: string) => unknown): Promise<Speed> {
  const texts = items.filter(({ text }) => text.length >= 900 && text.length <= 1100).slice(0, 400);
  for (const { text } of texts) await judge(text);
  const times: number[] = [];
  for (const { text } of texts) {
    const start = process.hrtime.bigint();
    await judge(text);
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95) };
}
