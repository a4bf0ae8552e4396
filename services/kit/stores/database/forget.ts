import type { Clock } from "../../clock.js";
import { keptHours } from "../../idempotency/key.js";
import type { Job } from "./job.js";

const hourMs = 60 * 60 * 1000;
const keyMs = keptHours * hourMs;

export interface ForgetOptions {
  readonly schema: string;
  /** How long the bus keeps an event, in milliseconds. */
  readonly eventMs: number;
  readonly clock: Clock;
}

/**
 * Forgets, once an hour, idempotency keys after a day, and handled events after
 * twice the time that the bus keeps them: an event may be set aside at the end of
 * that time, and its dead letter is kept, and may be replayed, for as long again.
 */
export function forgetting({ schema, eventMs, clock }: ForgetOptions): Job {
  return {
    schema,
    name: "forget",
    everyMs: hourMs,
    async work(client) {
      const before = (ms: number) => [new Date(clock.now() - ms)];
      await client.query(`delete from "${schema}".idempotency_keys where create_time < $1`, before(keyMs));
      await client.query(`delete from "${schema}".inbox where handled_at < $1`, before(2 * eventMs));
    },
  };
}
