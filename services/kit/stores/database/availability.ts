import type { Clock } from "../../clock.js";

/** Knows whether a server answers, without asking it while it does. */
export interface Availability {
  /** Why the server is away; undefined while it is not. */
  readonly away: { readonly cause: unknown } | undefined;
  /** Looks after the server while `work` waits for it. */
  watch<R>(work: Promise<R>): Promise<R>;
  /** Asks the server at once, unless somebody does already. */
  suspect(): void;
  close(): void;
}

export interface AvailabilityOptions {
  /** Asks the server on a connection of its own; has a deadline. */
  probe(): Promise<void>;
  /** Silence after which the server is asked, in milliseconds. */
  readonly suspectMs: number;
  /** Time between questions to a server that is away, in milliseconds. */
  readonly retryMs: number;
  readonly clock: Clock;
  onAway(cause: unknown): void;
  onBack(): void;
}

/**
 * A server that is hung keeps its connections open and says nothing, so only
 * silence tells: when work waits and nothing was heard for `suspectMs`, the
 * server is asked on a new connection. It is away when that fails and nothing
 * else was heard meanwhile, and back when it succeeds. Slow statements on a server that answers are left alone.
 */
export function availability(options: AvailabilityOptions): Availability {
  const { suspectMs, retryMs, clock } = options;
  let away: { readonly cause: unknown } | undefined;
  let asking = false;
  let closed = false;
  let heardAt = clock.monotonic();
  let retry: NodeJS.Timeout | undefined;

  const answered = () => {
    heardAt = clock.monotonic();
    if (!away) return;
    away = undefined;
    options.onBack();
  };
  const silent = (cause: unknown) => {
    const before = away;
    away = { cause };
    if (!before) options.onAway(cause);
    retry = setTimeout(suspect, retryMs).unref();
  };
  const suspect = () => {
    if (asking || closed) return;
    asking = true;
    const askedAt = clock.monotonic();
    clearTimeout(retry);
    options.probe().then(
      () => {
        asking = false;
        if (!closed) answered();
      },
      (cause: unknown) => {
        asking = false;
        // Whoever answers others meanwhile is busy, as this machine may be.
        if (!closed && (away || heardAt <= askedAt)) silent(cause);
      },
    );
  };

  return {
    get away() {
      return away;
    },
    suspect,
    async watch(work) {
      const timer = setInterval(() => {
        if (!away && clock.monotonic() - heardAt >= suspectMs) suspect();
      }, suspectMs).unref();
      try {
        const result = await work;
        heardAt = clock.monotonic();
        return result;
      } finally {
        clearInterval(timer);
      }
    },
    close() {
      closed = true;
      clearTimeout(retry);
    },
  };
}
