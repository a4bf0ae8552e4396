import { abortableDelay } from "../../kit/abortable-delay.js";
import type { Log } from "../../kit/log.js";
import type { ExportQueue, HeldJob } from "./job-queue.js";

/** Workers that write files. */
export interface ExportWorkers {
  /** Tells them that there may be a job. */
  wake(): void;
  /** Gives jobs that are being written back, and ends. */
  stop(): Promise<void>;
}

/** What workers need. */
export interface ExportWorkersOptions {
  readonly queue: Pick<ExportQueue, "claim">;
  /** Ends the job, or puts it back when the signal aborts. */
  write(job: HeldJob, stopping: AbortSignal): Promise<void>;
  readonly log: Log;
  /** How many jobs this process writes at once. */
  readonly workers: number;
  /** How long a worker that finds no job waits for one that others made, in milliseconds. */
  readonly idleMs: number;
}

/** Starts workers that take one job after another. */
export function startExportWorkers(options: ExportWorkersOptions): ExportWorkers {
  const { queue, write, log, idleMs } = options;
  const stopping = new AbortController();
  let idling = new AbortController();

  const step = async (): Promise<boolean> => {
    const job = await queue.claim();
    if (job) await write(job, stopping.signal);
    return job !== undefined;
  };
  const work = async () => {
    while (!stopping.signal.aborted) {
      const { signal } = idling;
      const worked = await step().catch((cause: unknown) => {
        log.error("the export worker failed", { cause });
        return false;
      });
      if (!worked) await abortableDelay(idleMs, signal);
    }
  };
  const wake = () => {
    idling.abort();
    idling = new AbortController();
  };
  const running = Array.from({ length: options.workers }, work);
  return {
    wake,
    async stop() {
      stopping.abort(new Error("the process stops"));
      wake();
      await Promise.all(running);
    },
  };
}
