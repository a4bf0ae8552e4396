import type { Clock } from "../kit/clock.js";
import type { ColumnStore } from "./store/port.js";

const dayMs = 86_400_000;
const everyMs = 3_600_000;

/** What forgetting takes. */
export interface ForgettingOptions {
  readonly store: Pick<ColumnStore, "forget">;
  /** How long decisions are kept. */
  readonly days: number;
  readonly clock: Clock;
}

/** Makes what has the store forget old decisions once an hour, however often it is called. */
export function forgetting({ store, days, clock }: ForgettingOptions): () => Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.monotonic() - last < everyMs) return;
    await store.forget(new Date(clock.now() - days * dayMs));
    last = clock.monotonic();
  };
}
