import type { Clock } from "../clock.js";
import { openCallOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { errors } from "../errors.js";
import type { Load } from "../workload.js";
import type { Layer } from "./chain.js";
import type { Request } from "./next.js";
import { onSettled } from "./settle.js";

/** How many calls a workload serves at once, and how many may wait for how long. */
export interface AdmissionLimits {
  readonly concurrent: number;
  readonly queued: number;
  /** Milliseconds. */
  readonly queueBudgetMs: number;
}

/** Decides which calls start now, which wait, and which are refused. */
export interface Admission {
  /** Whether there is room at once. Pair each true with `leave`. */
  tryEnter(): boolean;
  /** Waits for room; resolves to false when there is no time or too long a queue. Pair each true with `leave`. */
  enter(signal: AbortSignal): Promise<boolean>;
  leave(): void;
  load(): Load;
  /** How many calls wait. */
  waiting(): number;
}

/** First come, first served, with a bounded queue and a bounded wait. */
export function createAdmission(limits: AdmissionLimits, clock: Clock): Admission {
  const waiting = new Set<(admitted: boolean) => void>();
  let inFlight = 0;
  let queueMs = 0;

  const wait = (signal: AbortSignal) =>
    new Promise<boolean>((resolve) => {
      const start = clock.monotonic();
      const settle = (admitted: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", refuse);
        waiting.delete(settle);
        queueMs = clock.monotonic() - start;
        resolve(admitted);
      };
      const refuse = () => settle(false);
      const timer = setTimeout(refuse, limits.queueBudgetMs);
      signal.addEventListener("abort", refuse, { once: true });
      waiting.add(settle);
    });

  const tryEnter = () => {
    if (inFlight >= limits.concurrent) return false;
    inFlight += 1;
    queueMs = 0;
    return true;
  };

  return {
    tryEnter,
    async enter(signal) {
      if (tryEnter()) return true;
      return waiting.size < limits.queued && !signal.aborted ? wait(signal) : false;
    },
    leave() {
      const [next] = waiting;
      // The place goes to the next in line, so the count stays.
      if (next) next(true);
      else inFlight -= 1;
    },
    load: () => ({ inFlight, limit: limits.concurrent, queueMs, queueBudgetMs: limits.queueBudgetMs }),
    waiting: () => waiting.size,
  };
}

/** Refuses calls beyond the workload's admission with OVERLOADED. Operators' methods always pass. */
export function limit(admission: Admission, clock: Clock): Layer {
  return (contract) => {
    const { workload } = contract;
    if (workload === undefined) return undefined;
    const wait = async (request: Request) => {
      const start = clock.monotonic();
      if (!(await admission.enter(request.signal))) {
        throw errors.overloaded({ workload: workloadName(workload), limit: admission.load().limit });
      }
      noteQueue(request, clock.monotonic() - start);
    };
    return {
      begin: (request) => (admission.tryEnter() ? noteQueue(request, 0) : wait(request)),
      served: (response, request) => onSettled(response, request, admission.leave),
      failed: admission.leave,
    };
  };
}

function noteQueue({ contextValues }: Request, queueMs: number): void {
  openCallOf({ values: contextValues }).queueMs = queueMs;
}
