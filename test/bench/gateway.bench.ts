import { parseArgs } from "node:util";
import { bench as codecBench } from "./codec.bench.js";
import { connectionRows } from "./gateway/connections.js";
import {
  connectJson,
  contestants,
  grpcNative,
  restInProcess,
  restUpstream,
  restUpstreamOwn,
} from "./gateway/contestants.js";
import { contestRows } from "./gateway/goals.js";
import { latencyRows } from "./gateway/latency.js";
import { memoryCallRows } from "./gateway/memory-call.js";
import { profileRows } from "./gateway/profile.js";
import { contest, type Samples } from "./gateway/rounds.js";
import { shortForm } from "./gateway/short.js";
import type { Bench } from "./main.js";
import { processRows } from "./process.bench.js";
import type { Row } from "./rows.js";

const parts = ["contest", "profile", "latency", "connections", "memory", "codec", "process"] as const;

/**
 * What our gateway costs beside its peers, in CPU time for each request on one
 * core. `--part contest,profile,…` runs some of it, `--only NAME,…` some
 * contestants, `--rounds` and `--seconds` set how long; `--short` compares ours with
 * raw Node alone and fails when that has become much worse than recorded.
 */
export const bench: Bench = async (args) => {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean" },
      short: { type: "boolean" },
      record: { type: "boolean" },
      part: { ...text, default: parts.join(",") },
      only: { ...text, default: "" },
      rounds: { ...text, default: "5" },
      seconds: { ...text, default: "2" },
    },
  });
  if (values.short) return shortForm({ record: values.record ?? false, progress });
  const wanted = new Set(values.part.split(","));
  const timing = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    inFlight: 32,
  };
  const chosen = contestants.filter(({ name }) => values.only.split(",").some((part) => name.includes(part)));
  let samples: Samples = new Map();
  const run: Record<(typeof parts)[number], () => Promise<Row[]>> = {
    contest: async () => {
      samples = await contest(chosen, timing, progress);
      return contestRows(chosen, samples);
    },
    profile: profiles,
    latency: () => latencyRows(samples, timing, progress),
    connections: connectionRows,
    memory: memoryCallRows,
    codec: codecRows,
    process: () => processRows(),
  };
  const rows: Row[] = [];
  for (const part of parts.filter((one) => wanted.has(one))) {
    progress(part);
    rows.push(...(await run[part]()));
  }
  return rows;
};

async function profiles(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of [restInProcess, restUpstream, restUpstreamOwn, grpcNative, connectJson]) {
    rows.push(...(await profileRows(contestants.find((one) => one.name === name)!)));
  }
  return rows;
}

async function codecRows(): Promise<Row[]> {
  const rows = await codecBench([]);
  return rows.filter(({ measure, goal }) => goal && /^Process(Request|Response) \(/.test(measure));
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
