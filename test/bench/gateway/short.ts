import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../../../services/kit/package-root.js";
import type { Row } from "../rows.js";
import { contestants, rawHttp, restInProcess } from "./contestants.js";
import { contestRows, cpuRatio, rounded } from "./goals.js";
import { contest } from "./rounds.js";

const recordedPath = join(packageRoot(), "test/bench/gateway/recorded.json");
const timing = { rounds: 5, seconds: 1, inFlight: 32 };
/** What machines and their other work make of the same code. */
const tolerance = 0.7;

/** Ours and raw node:http alone; sets the exit code when ours has become much dearer than recorded. */
export async function shortForm(options: {
  readonly record: boolean;
  readonly progress: (line: string) => void;
}): Promise<Row[]> {
  const chosen = contestants.filter(({ name }) => name === rawHttp || name === restInProcess);
  const samples = await contest(chosen, timing, options.progress);
  const ratio = cpuRatio(samples, restInProcess, rawHttp);
  if (ratio === undefined) throw new Error("a contestant that needs nothing but Node could not be had");
  if (options.record) await writeFile(recordedPath, `{ "ratio": ${rounded(ratio)} }\n`);
  const recorded = JSON.parse(await readFile(recordedPath, "utf8")) as { readonly ratio: number };
  const least = rounded(recorded.ratio * tolerance);
  const met = ratio >= least;
  if (!met) process.exitCode = 1;
  const [raw] = contestRows(chosen, samples);
  return [
    ...(raw ? [raw] : []),
    {
      measure: restInProcess,
      value: rounded(ratio),
      unit: "of raw node:http",
      ratio: rounded(ratio),
      to: rawHttp,
      goal: `≥ ${least}, which is ${tolerance} of the recorded ${recorded.ratio}`,
      met,
    },
  ];
}
