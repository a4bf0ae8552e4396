import type { Profiler } from "node:inspector";

/** What a contestant is told to do: to profile itself for a while, and send the profile. */
export interface Order {
  readonly profileMs: number;
}

/** What a contestant tells once it listens. */
export interface Told {
  readonly port: number;
  /** What a client needs to be let in. */
  readonly token?: string;
}

/** What a contestant sends when it has profiled itself. */
export interface Profiled {
  readonly profile: Profiler.Profile;
}
