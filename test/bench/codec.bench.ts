import { parseArgs } from "node:util";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { createCodecs } from "../../services/kit/codec/codec.js";
import { compare, type Shares } from "../kit/codec/differential.js";
import { type Sample, samples } from "./codec-messages.js";
import { median, type Row } from "./rows.js";

const rounds = 7;
const warmUpRuns = 10_000;
const runsPerRound = 5_000;

/**
 * Nanoseconds of CPU per message, and how many times less that is than
 * protobuf-es takes: medians of interleaved rounds. `--differential <n>`
 * compares results with protobuf-es on n generated messages instead.
 */
export async function bench(args: readonly string[]): Promise<readonly Row[]> {
  const options = { differential: { type: "string" }, seed: { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options, strict: false });
  if (values.differential !== undefined)
    return differential(Number(values.differential), Number(values.seed ?? 0));
  return samples.flatMap(measure);
}

interface Contest {
  readonly name: string;
  readonly ours: () => unknown;
  readonly theirs: () => unknown;
  readonly goal?: number | undefined;
  readonly ratioGoal?: number;
}

function measure({ name, desc, message, goals }: Sample): Row[] {
  const codec = createCodecs()(desc);
  const text = JSON.stringify(toJson(desc, message));
  const bytes = toBinary(desc, message);
  const contests: Contest[] = [
    {
      name: "JSON to binary",
      ours: () => codec.jsonToBinary(text),
      theirs: () => toBinary(desc, fromJson(desc, JSON.parse(text))),
      goal: goals?.toBinary,
      ratioGoal: 2.5,
    },
    {
      name: "binary to JSON",
      ours: () => flat(codec.binaryToJson(bytes)),
      theirs: () => flat(JSON.stringify(toJson(desc, fromBinary(desc, bytes)))),
      goal: goals?.toJson,
      ratioGoal: 2.5,
    },
    {
      name: "JSON to message",
      ours: () => codec.readJson(text),
      theirs: () => fromJson(desc, JSON.parse(text)),
    },
    {
      name: "message to JSON",
      ours: () => flat(codec.writeJson(message)),
      theirs: () => flat(JSON.stringify(toJson(desc, message))),
    },
    {
      name: "binary to message",
      ours: () => codec.readBinary(bytes),
      theirs: () => fromBinary(desc, bytes),
    },
    {
      name: "message to binary",
      ours: () => codec.writeBinary(message),
      theirs: () => toBinary(desc, message),
    },
  ];
  const parsed = JSON.parse(text);
  const size = `${text.length} B of JSON, ${bytes.length} B of binary`;
  const subject = `${name} (${size})`;
  return [
    // What JSON alone takes on this machine, at this moment.
    alone(`${subject}: JSON.parse`, () => JSON.parse(text)),
    alone(`${subject}: JSON.stringify`, () => JSON.stringify(parsed)),
    ...contests.map((contest) => row(`${subject}: ${contest.name}`, contest)),
  ];
}

function row(measure: string, { ours, theirs, goal, ratioGoal }: Contest): Row {
  time(ours, warmUpRuns);
  time(theirs, warmUpRuns);
  const times = Array.from(
    { length: rounds },
    () => [time(ours, runsPerRound), time(theirs, runsPerRound)] as const,
  );
  const value = Math.round(median(times.map(([mine]) => mine)));
  const ratio = median(times.map(([mine, other]) => other / mine));
  const goals = [
    ...(ratioGoal === undefined ? [] : [`at least ${ratioGoal} × protobuf-es`]),
    ...(goal === undefined ? [] : [`at most ${goal} ns`]),
  ];
  const met = ratio >= (ratioGoal ?? 0) && value <= (goal ?? Infinity);
  const verdict = goals.length > 0 ? { goal: goals.join(", "), met } : {};
  return { measure, value, unit: "ns", ratio: Math.round(ratio * 100) / 100, to: "protobuf-es", ...verdict };
}

function alone(measure: string, run: () => unknown): Row {
  time(run, warmUpRuns);
  const times = Array.from({ length: rounds }, () => time(run, runsPerRound));
  return { measure, value: Math.round(median(times)), unit: "ns" };
}

/** Nanoseconds of CPU for one run. */
function time(run: () => unknown, runs: number): number {
  const before = process.cpuUsage();
  for (let count = 0; count < runs; count++) run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / runs;
}

/** Makes one piece of a text that may be many, as sending it would. */
function flat(text: string): number {
  return text.charCodeAt(text.length - 1);
}

function differential(runs: number, firstSeed: number): Row[] {
  const shares: Shares = new Map();
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    try {
      compare(seed, shares);
    } catch (cause) {
      throw new Error(`seed ${seed}: compiled code and protobuf-es disagree`, { cause });
    }
  }
  const compared = { measure: "generated messages on which both agree", value: runs, unit: "messages" };
  const taken = [...shares].map(([operation, share]) => ({
    measure: `${operation}: taken by compiled code`,
    value: Math.round((share.taken / share.all) * 1000) / 10,
    unit: "%",
  }));
  return [compared, ...taken];
}
