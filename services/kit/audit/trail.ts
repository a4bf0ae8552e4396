import { Code, ConnectError } from "@connectrpc/connect";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { sharedTimers, type Timer, type Timers } from "../timers.js";
import type { NewAuditEvent } from "./event.js";

/** Where a workload's audit events go on their way to the record. */
export interface AuditTrail {
  /** Sends an event; resolves to whether it is in the record. Never rejects. */
  record(event: NewAuditEvent): Promise<boolean>;
  /** Sends an event with the next ones. */
  note(event: NewAuditEvent): void;
  /** Sends what waits, for two seconds at most. */
  stop(): Promise<void>;
}

/** What a trail is made of. Durations are in milliseconds. */
export interface TrailOptions {
  /** Adds events to the record, each once by its id. */
  write(events: NewAuditEvent[]): Promise<unknown>;
  readonly workload: string;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "auditEvents" | "auditPending">;
  readonly timers?: Timers;
  /** How many events may wait: of those that somebody awaits, and of the others. */
  readonly bound?: number;
}

interface Waiting {
  readonly event: NewAuditEvent;
  settle(written: boolean): void;
}

const batchSize = 256;
const gatherMs = 100;
const firstRetryMs = 100;
const longestRetryMs = 1_000;
const flushMs = 2_000;
const defaultBound = 8_192;

/**
 * Makes a trail. Events leave in batches, one at a time; a batch that cannot be
 * written is sent again until it is, which the record notices by the events'
 * ids. What finds the trail full is lost, which a metric counts and the log
 * tells, as it tells of every failure.
 */
export function auditTrail(options: TrailOptions): AuditTrail {
  return new Trail(options);
}

class Trail implements AuditTrail {
  /** First what somebody waits for. */
  readonly #queues: readonly [Waiting[], Waiting[]] = [[], []];
  readonly #options: TrailOptions;
  readonly #timers: Timers;
  readonly #bound: number;
  #sending: Promise<void> | undefined;
  #timer: Timer | undefined;
  #retryMs = firstRetryMs;
  #failing = false;
  #stopped = false;

  constructor(options: TrailOptions) {
    this.#options = options;
    this.#timers = options.timers ?? sharedTimers;
    this.#bound = options.bound ?? defaultBound;
  }

  record(event: NewAuditEvent): Promise<boolean> {
    return new Promise((settle) => {
      this.#add(0, { event, settle });
      if (!this.#failing) this.#send();
    });
  }

  note(event: NewAuditEvent): void {
    this.#add(1, { event, settle: () => undefined });
    if (this.#failing) return;
    if (this.#queues[1].length >= batchSize) this.#send();
    else this.#timer ??= this.#timers.start(gatherMs, () => this.#send());
  }

  async stop(): Promise<void> {
    this.#timer?.stop();
    const late = new Promise<void>((resolve) => {
      this.#timers.start(flushMs, () => {
        this.#stopped = true;
        resolve();
      });
    });
    await Promise.race([this.#flush(), late]);
    this.#stopped = true;
    this.#timer?.stop();
    for (const queue of this.#queues) for (const waiting of queue.splice(0)) this.#lose(waiting);
  }

  get #pending(): number {
    return this.#queues[0].length + this.#queues[1].length;
  }

  #add(which: 0 | 1, waiting: Waiting): void {
    const queue = this.#queues[which];
    if (this.#stopped || queue.length >= this.#bound) this.#lose(waiting);
    else queue.push(waiting);
  }

  async #flush(): Promise<void> {
    while (this.#pending > 0 && !this.#stopped) {
      this.#send();
      await this.#sending;
      if (this.#failing) await new Promise<void>((resume) => this.#timers.start(this.#retryMs, resume));
    }
  }

  #send(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      this.#options.metrics.auditPending.set(this.#pending, { workload: this.#options.workload });
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#pending > 0 && !this.#stopped) {
      const awaited = this.#queues[0].slice(0, batchSize);
      const others = this.#queues[1].slice(0, batchSize - awaited.length);
      const outcome = await this.#write([...awaited, ...others]);
      if (outcome === "away") return;
      const batch = [
        ...this.#queues[0].splice(0, awaited.length),
        ...this.#queues[1].splice(0, others.length),
      ];
      for (const waiting of batch) this.#settle(waiting, outcome);
    }
  }

  async #write(batch: readonly Waiting[]): Promise<"written" | "refused" | "away"> {
    try {
      await this.#options.write(batch.map(({ event }) => event));
      this.#failing = false;
      this.#retryMs = firstRetryMs;
      return "written";
    } catch (cause) {
      this.#options.log.error("audit events could not be written", { count: this.#pending, cause });
      if (isRefusal(cause)) return "refused";
      this.#retryLater();
      return "away";
    }
  }

  #retryLater(): void {
    this.#failing = true;
    this.#timer = this.#timers.start(this.#retryMs, () => this.#send());
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
  }

  #settle(waiting: Waiting, outcome: "written" | "refused"): void {
    if (outcome === "refused") {
      this.#lose(waiting);
      return;
    }
    this.#options.metrics.auditEvents.add({ outcome: "recorded" });
    waiting.settle(true);
  }

  #lose({ event, settle }: Waiting): void {
    const { method, requestId, code, reason, count } = event.event;
    this.#options.metrics.auditEvents.add({ outcome: "lost" });
    this.#options.log.error("an audit event is lost", {
      method,
      request_id: requestId,
      code: Code[code] ?? "ok",
      reason,
      count,
    });
    settle(false);
  }
}

/** Whether sending it again would not help. */
function isRefusal(error: unknown): boolean {
  return error instanceof ConnectError && [Code.InvalidArgument, Code.PermissionDenied].includes(error.code);
}
