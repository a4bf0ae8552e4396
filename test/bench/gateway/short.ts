import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../../../services/kit/package-root.js";
import type { Row } from "../rows.js";
import { contestants, grpcNative, rawHttp, rawHttp2, restInProcess } from "./contestants.js";
import { contestRows, cpuRatio, rounded } from "./goals.js";
import { contest, type Samples } from "./rounds.js";

const recordedPath = join(packageRoot(), "test/bench/gateway/recorded.json");
const timing = { rounds: 5, seconds: 1, inFlight: 32, standing: true };
/** What machines and their other work make of the same code. */
const tolerance = 0.7;
/** Ours, and what it is put in proportion to. */
const pairs = [
  [restInProcess, rawHttp],
  [grpcNative, rawHttp2],
] as const;

/** How many times less CPU each of ours took than raw Node when that was recorded. */
type Recorded = Readonly<Record<string, number>>;

/** Ours and raw Node alone; sets the exit code when one of ours has become much dearer than recorded. */
export async function shortForm(options: {
  readonly record: boolean;
  readonly progress: (line: string) => void;
}): Promise<Row[]> {
  const names = new Set<string>(pairs.flat());
  const chosen = contestants.filter(({ name }) => names.has(name));
  const samples = await contest(chosen, timing, options.progress);
  if (options.record) await record(samples);
  const recorded = JSON.parse(await readFile(recordedPath, "utf8")) as Recorded;
  const rows = pairs.flatMap(([mine, raw]) => {
    const [baseline] = contestRows(
      chosen.filter(({ name }) => name === raw),
      samples,
    );
    return [...(baseline ? [baseline] : []), rowOf(mine, raw, { samples, recorded })];
  });
  if (rows.some(({ met }) => met === false)) process.exitCode = 1;
  return rows;
}

function rowOf(
  mine: string,
  raw: string,
  { samples, recorded }: { readonly samples: Samples; readonly recorded: Recorded },
): Row {
  const ratio = ratioOf(samples, mine, raw);
  const before = recorded[mine];
  if (before === undefined) throw new Error(`${recordedPath} has no ratio of ${mine}`);
  const least = rounded(before * tolerance);
  return {
    measure: mine,
    value: ratio,
    unit: `of ${raw}`,
    ratio,
    to: raw,
    goal: `≥ ${least}, which is ${tolerance} of the recorded ${before}`,
    met: ratio >= least,
  };
}

async function record(samples: Samples): Promise<void> {
  const ratios = Object.fromEntries(pairs.map(([mine, raw]) => [mine, ratioOf(samples, mine, raw)]));
  await writeFile(recordedPath, `${JSON.stringify(ratios, undefined, 2)}\n`);
}

function ratioOf(samples: Samples, mine: string, raw: string): number {
  const ratio = cpuRatio(samples, mine, raw);
  if (ratio === undefined) throw new Error("a contestant that needs nothing but Node could not be had");
  return rounded(ratio);
}
