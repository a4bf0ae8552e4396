import { Code, ConnectError } from "@connectrpc/connect";
import { boundedSignal } from "../../kit/abortable-delay.js";
import { newId } from "../../kit/ids.js";
import type { Log } from "../../kit/log.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import type { ColumnStore } from "../store/port.js";
import type { Blobs } from "./blobs/port.js";
import { formatOf, type Rows } from "./formats/file-format.js";
import type { ExportQueue, HeldJob, Outcome } from "./job-queue.js";
import { specOf } from "./rows.js";
import { exportSelection } from "./selection.js";

/** What writing the file of a job needs. Times are in milliseconds. */
export interface WriteExportOptions {
  readonly store: Pick<ColumnStore, "count" | "read">;
  readonly pseudonyms: Pseudonyms;
  readonly queue: ExportQueue;
  readonly blobs: Blobs;
  readonly log: Log;
  /** For what does not fit into memory. */
  readonly directory: string;
  /** How often to note how far the job is; far oftener than the queue's lease ends. */
  readonly noteMs: number;
  /** Bytes that a file may have. */
  readonly mostBytes: number;
  /** How long one may be written. */
  readonly longestMs: number;
}

/** How often a job is begun whose workers die, or whose store is away. */
const mostAttempts = 3;

const tooLong = Symbol("the job took too long");
const lost = Symbol("somebody else has the job, or it was deleted");
const tooLarge = Symbol("the file is too large");

/**
 * Writes the file of a job and ends the job, unless `stopping` aborts, when it
 * goes back into the queue, or the job is somebody else's by then.
 */
export async function writeExport(
  job: HeldJob,
  options: WriteExportOptions,
  stopping: AbortSignal,
): Promise<void> {
  const { queue, blobs } = options;
  // Of a worker that died.
  if (job.row.file) await blobs.remove(job.row.file);
  if (job.row.attempts > mostAttempts) {
    const failure = `It was begun ${mostAttempts} times, and never ended.`;
    await queue.finish(job, { kind: "failed", failure });
    return;
  }
  const file = newId();
  if (!(await queue.begin(job, file))) return;
  const bound = boundedSignal(options.longestMs, stopping, () => tooLong);
  const progress: Progress = { total: undefined, written: 0 };
  const stopNoting = noteProgress(job, progress, options, () => bound.abort(lost));
  let ended: Ended;
  try {
    const bytes = await writeFile(job, { file, progress, ...bound }, options);
    ended = { kind: "succeeded", rows: progress.written, bytes };
  } catch (error) {
    ended = failureOf(error, { signal: bound.signal, stopping, options });
  } finally {
    stopNoting();
    bound.release();
  }
  await settle(job, file, ended, options);
}

/** How far the writing is; changes while it goes on. */
interface Progress {
  total: number | undefined;
  written: number;
}

/** Holds the job, and notes how far it is, until stopped. */
function noteProgress(
  job: HeldJob,
  progress: Progress,
  { queue, log, noteMs }: Pick<WriteExportOptions, "queue" | "log" | "noteMs">,
  onLost: () => void,
): () => void {
  const note = async () => {
    if (!(await queue.progress(job, progress))) onLost();
  };
  const timer = setInterval(() => {
    note().catch((cause: unknown) => log.warn("the progress of an export was not noted", { cause }));
  }, noteMs);
  return () => clearInterval(timer);
}

type Ended = Outcome | { readonly kind: "stopped" | "lost" | "away" };

async function settle(
  job: HeldJob,
  file: string,
  ended: Ended,
  { queue, blobs }: Pick<WriteExportOptions, "queue" | "blobs">,
): Promise<void> {
  if (ended.kind === "succeeded") {
    if (await queue.finish(job, ended)) return;
    await blobs.remove(file);
    return queue.letGo(job);
  }
  await blobs.remove(file);
  switch (ended.kind) {
    case "stopped":
      return queue.giveBack(job);
    case "away":
      return queue.leave(job);
    case "lost":
      return queue.letGo(job);
    default:
      await queue.finish(job, ended);
      return queue.letGo(job);
  }
}

interface Writing {
  readonly file: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly abort: (reason: unknown) => void;
}

async function writeFile(
  { row }: HeldJob,
  { file, progress, signal, abort }: Writing,
  { store, pseudonyms, blobs, directory, mostBytes }: WriteExportOptions,
): Promise<number> {
  const spec = specOf(row);
  const selection = exportSelection(spec, spec.allTenants ? undefined : row.tenant_id, pseudonyms);
  progress.total = await store.count(selection, signal);
  const rows = counted(store.read(selection, signal), (count) => {
    progress.written += count;
  });
  const content = formatOf(spec.format).write(rows, { directory, signal });
  return blobs.write(file, limited(content, { mostBytes, signal, abort }));
}

async function* counted(rows: Rows, count: (rows: number) => void): Rows {
  for await (const batch of rows) {
    yield batch;
    count(batch.length);
  }
}

async function* limited(
  content: AsyncIterable<Uint8Array>,
  { mostBytes, signal, abort }: { readonly mostBytes: number } & Pick<Writing, "signal" | "abort">,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (bytes > mostBytes) abort(tooLarge);
    signal.throwIfAborted();
    yield piece;
  }
}

function failureOf(
  error: unknown,
  {
    signal,
    stopping,
    options: { log, mostBytes, longestMs },
  }: { readonly signal: AbortSignal; readonly stopping: AbortSignal; readonly options: WriteExportOptions },
): Ended {
  if (signal.reason === lost) return { kind: "lost" };
  if (signal.reason === tooLarge) {
    const failure = `Its file would have more than ${mostBytes} bytes. Ask for a shorter time, or for Parquet.`;
    return { kind: "failed", failure };
  }
  if (signal.reason === tooLong) {
    return {
      kind: "failed",
      failure: `It took more than ${longestMs / 1000} seconds. Ask for a shorter time.`,
    };
  }
  if (stopping.aborted) return { kind: "stopped" };
  const known = error instanceof ConnectError ? error : undefined;
  log.warn("an export was not written", { cause: error });
  if (known?.code === Code.Unavailable || known?.code === Code.ResourceExhausted) return { kind: "away" };
  return { kind: "failed", failure: known?.rawMessage ?? "It could not be written." };
}
