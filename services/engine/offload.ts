import { availableParallelism } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Piscina } from "piscina";
import {
  type Scope,
  type Violation,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { packageRoot } from "../kit/package-root.js";
import type { Judge, Judgement } from "./domain/judges/judge.js";
import type { Finding } from "./domain/judges/personal-data/finding.js";
import type { Masked } from "./domain/judges/personal-data/personal-data.js";
import type { TextReading } from "./domain/models/text-model.js";
import type { FindTold, MaskPersonalData, ReadText } from "./domain/run.js";

/** Work on a text that may be done on another thread. */
export type TextTask =
  | { readonly kind: "judge"; readonly judge: string; readonly text: string; readonly scope: Scope }
  | { readonly kind: "mask"; readonly text: string }
  | { readonly kind: "tell"; readonly text: string }
  | { readonly kind: "read"; readonly text: string };

/** Does a task elsewhere. Rejects when it cannot: never to be taken for "found nothing". */
export type Offload = (task: TextTask, signal?: AbortSignal) => Promise<unknown>;

/**
 * Longest text, in UTF-16 units, that is worked on beside other calls. All
 * judges take less than 4 ms for it on the slower machines we measured.
 */
export const longestInline = 2048;

/** Texts that may wait for a thread; more are refused. */
const longestQueue = 64;
/** After so long without work a thread ends, in milliseconds. */
const idleMs = 30_000;
const mostThreads = 2;

/** Threads that judge long texts. */
export interface JudgeThreads {
  readonly offload: Offload;
  stop(): Promise<void>;
}

/** Makes the threads, which start at the first long text. */
export function createJudgeThreads(): JudgeThreads {
  const pool = new Piscina({
    filename: join(packageRoot(), ".build", "services", "engine", "judge-worker.js"),
    minThreads: 0,
    maxThreads: Math.max(1, Math.min(mostThreads, availableParallelism() - 1)),
    maxQueue: longestQueue,
    idleTimeout: idleMs,
  });
  // A thread may finish a task just after it was aborted, which the pool takes for an error, with
  // the whole text in it. Unheard, that would end the process; failed tasks reject by themselves.
  pool.on("error", () => undefined);
  return {
    offload: (task, signal) => pool.run(task, signal ? { signal } : {}),
    stop: () => pool.destroy(),
  };
}

/** Judges that send long texts elsewhere. */
export function offloadJudges(judges: readonly Judge[], offload: Offload): Judge[] {
  return judges.map((judge) => ({
    ...judge,
    judge(text, scope, signal) {
      if (text.length <= longestInline) return judge.judge(text, scope, signal);
      return offload({ kind: "judge", judge: judge.name, text, scope }, signal).then(asJudgement);
    },
  }));
}

/** A mask that sends long texts elsewhere. */
export function offloadMask(mask: (text: string) => Masked, offload: Offload): MaskPersonalData {
  return (text) =>
    text.length <= longestInline ? mask(text) : (offload({ kind: "mask", text }) as Promise<Masked>);
}

/** What finds data that is told and not masked, sending long texts elsewhere. */
export function offloadTelling(find: (text: string) => Finding[], offload: Offload): FindTold {
  return (text) =>
    text.length <= longestInline ? find(text) : (offload({ kind: "tell", text }) as Promise<Finding[]>);
}

/** A reader by the models that sends long texts elsewhere. */
export function offloadReading(read: (text: string) => TextReading, offload: Offload): ReadText {
  return (text) =>
    text.length <= longestInline ? read(text) : (offload({ kind: "read", text }) as Promise<TextReading>);
}

/** Messages lose what makes them messages on the way between threads. */
function asJudgement(result: unknown): Judgement {
  const { violations, uncovered } = result as Judgement;
  const made = violations.map((one): Violation => create(ViolationSchema, one));
  return { violations: made, ...(uncovered === undefined ? {} : { uncovered }) };
}
