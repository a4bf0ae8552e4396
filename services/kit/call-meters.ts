import type { Series } from "./histogram.js";

/** Counts the calls of one method that this process serves. */
export interface ServerMeter {
  begin(): void;
  /** For each begun call once. */
  end(code: string, seconds: number): void;
}

/** Counts calls of one method elsewhere. */
export interface ClientMeter {
  end(code: string, seconds: number): void;
}

/** Where counts go when metrics are read. */
export interface MeterSinks {
  countCalls(code: string, calls: number): void;
  /** Asked for once, when the first call ends. */
  durations(): Series;
  /** Calls that have begun and not ended. */
  changeInFlight?(by: number): void;
}

/**
 * Counts by code in plain numbers, and hands them on when metrics are read:
 * finding a counter by its labels costs ten times as much as counting.
 */
export class CallMeter implements ServerMeter, ClientMeter {
  readonly #sinks: MeterSinks;
  readonly #codes = new Map<string, number>();
  #durations: Series | undefined;
  #succeeded = 0;
  #inFlight = 0;

  constructor(sinks: MeterSinks) {
    this.#sinks = sinks;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  end(code: string, seconds: number): void {
    this.#inFlight -= 1;
    if (code === "ok") this.#succeeded += 1;
    else this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    this.#durations ??= this.#sinks.durations();
    this.#durations.observe(seconds);
  }

  /** Hands on what was counted since it did so last. */
  flush(): void {
    if (this.#succeeded > 0) this.#sinks.countCalls("ok", this.#succeeded);
    for (const [code, calls] of this.#codes) this.#sinks.countCalls(code, calls);
    this.#sinks.changeInFlight?.(this.#inFlight);
    this.#codes.clear();
    this.#succeeded = 0;
    this.#inFlight = 0;
  }
}
