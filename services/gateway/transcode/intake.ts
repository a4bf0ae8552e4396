import { errors } from "../../kit/errors.js";
import type { RestRequest } from "./exchange.js";
import type { StartTimer } from "./timer.js";

/** A request body that is taken in piece by piece, at the reader's pace. */
export interface Intake {
  /**
   * The next piece; undefined after the last. Rejects with CANCELED when the client goes away, with
   * BODY_TOO_LARGE beyond the limit, and with BODY_TIMEOUT when the running deadline passes.
   */
  next(): Promise<Buffer | undefined>;
  /** Starts a deadline, in milliseconds; an earlier one, or a pace, no longer counts. */
  within(milliseconds: number): void;
  /**
   * From now on `leastBytes` must arrive within each of these times, in milliseconds. One that ends
   * while the reader is busy with something else does not count.
   */
  keepPace(pace: { readonly arrivalMs: number; readonly leastBytes: number }): void;
  /** Stops deadline and pace: what takes time now is not the client. */
  relax(): void;
  /** Takes nothing more. A pending `next` finds the end. */
  stop(): void;
}

/** What ends a body before its end. HTTP/2 tells of a request taken back by `aborted`, and of its end after that. */
const abrupt = ["aborted", "close", "error"] as const;

/** Begins to take in the body of a request, at most `maxBytes`. */
export function takeIn(
  request: RestRequest,
  { maxBytes, startTimer }: { maxBytes: number; startTimer: StartTimer },
): Intake {
  let wake: () => void = () => undefined;
  let failure: Error | undefined;
  let ended = request.readableEnded;
  let size = 0;
  let waiting = false;
  /** Begins the time anew in which the reader was busy. */
  let resume: (() => void) | undefined;
  let stopTimer: () => void = () => undefined;

  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  const onReadable = (): void => wake();
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  const onGone = (): void => (ended ? undefined : fail(errors.canceled()));
  request.on("readable", onReadable).on("end", onEnd);
  for (const end of abrupt) request.on(end, onGone);
  if (request.destroyed) onGone();

  const relax = (): void => {
    stopTimer();
    resume = undefined;
  };

  const stop = (): void => {
    relax();
    request.off("readable", onReadable).off("end", onEnd);
    for (const end of abrupt) request.off(end, onGone);
    onEnd();
  };

  return {
    async next() {
      for (;;) {
        if (failure) throw failure;
        if (ended) return undefined;
        const chunk = request.read() as Buffer | null;
        if (chunk) {
          size += chunk.length;
          if (size <= maxBytes) return chunk;
          throw errors.bodyTooLarge({ limit_bytes: maxBytes });
        }
        resume?.();
        waiting = true;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        waiting = false;
      }
    },
    within(milliseconds) {
      relax();
      stopTimer = startTimer(milliseconds, () => fail(errors.bodyTimeout({ limit_ms: milliseconds })));
    },
    keepPace({ arrivalMs, leastBytes }) {
      const watch = () => {
        relax();
        const from = size;
        stopTimer = startTimer(arrivalMs, () => {
          if (!waiting) resume = watch;
          else if (size - from < leastBytes) fail(errors.bodyTimeout({ limit_ms: arrivalMs }));
          else watch();
        });
      };
      watch();
    },
    relax,
    stop,
  };
}
