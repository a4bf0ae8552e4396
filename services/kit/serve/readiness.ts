import type { Clock } from "../clock.js";
import type { Dependency } from "../workload.js";

/** What one dependency answered. */
export interface DependencyState {
  readonly name: string;
  readonly serving: boolean;
  /** Whether the process serves without it. */
  readonly degrades: boolean;
  /** How long the answer, or the wait for it, took. */
  readonly latencyMs: number;
  /** Why it does not serve; for the log, never for the caller. */
  readonly error?: unknown;
}

/** Whether the process should receive traffic, and why not. */
export interface ReadinessState {
  /** Every dependency that the process cannot do without answers, and it does not drain. */
  readonly serving: boolean;
  readonly draining: boolean;
  readonly dependencies: readonly DependencyState[];
}

/** Knows whether the process should receive traffic. */
export interface Readiness {
  /** The state, at most `cacheMs` old; probes, however many, ask each dependency once. */
  state(): Promise<ReadinessState>;
  /** The state as of now; at most one question to each dependency is under way. */
  refresh(): Promise<ReadinessState>;
  /** From now on the process does not serve. Cannot be undone. */
  drain(): void;
  /** Yields the first state and each change of `serving`; ends after a drain, or when the signal aborts. */
  changes(signal: AbortSignal): AsyncIterable<ReadinessState>;
}

/** What the readiness depends on. Durations are in milliseconds. */
export interface ReadinessOptions {
  readonly dependencies: readonly Dependency[];
  readonly clock: Clock;
  /** How long an answer holds; 1000 unless given. */
  readonly cacheMs?: number;
  /** How long a dependency may take to answer; 2000 unless given. */
  readonly timeoutMs?: number;
  /** How often `changes` looks; 5000 unless given. */
  readonly intervalMs?: number;
}

/** Asks dependencies on behalf of probes, without letting probes overload them. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { clock, cacheMs = 1_000, timeoutMs = 2_000, intervalMs = 5_000 } = options;
  const drained = new AbortController();
  let cached: { readonly at: number; readonly dependencies: readonly DependencyState[] } | undefined;
  let asking: Promise<readonly DependencyState[]> | undefined;

  const ask = () => {
    asking ??= Promise.all(
      options.dependencies.map((dependency) =>
        probe(dependency, { clock, timeoutMs, drained: drained.signal }),
      ),
    )
      .then((dependencies) => {
        cached = { at: clock.monotonic(), dependencies };
        return dependencies;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const judge = (dependencies: readonly DependencyState[]): ReadinessState => {
    const draining = drained.signal.aborted;
    const able = dependencies.every(({ serving, degrades }) => serving || degrades);
    return { serving: !draining && able, draining, dependencies };
  };
  const state = async () => {
    const fresh = cached && clock.monotonic() - cached.at < cacheMs;
    return judge(cached && (fresh || drained.signal.aborted) ? cached.dependencies : await ask());
  };

  return {
    state,
    refresh: async () => judge(await ask()),
    drain: () => drained.abort(),
    async *changes(signal) {
      let last: boolean | undefined;
      while (!signal.aborted) {
        const current = await state();
        if (current.serving !== last) yield current;
        last = current.serving;
        if (current.draining) return;
        await pause(intervalMs, [signal, drained.signal]);
      }
    },
  };
}

interface ProbeOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly drained: AbortSignal;
}

async function probe(dependency: Dependency, options: ProbeOptions): Promise<DependencyState> {
  const { name, degrades = false } = dependency;
  const start = options.clock.monotonic();
  const latencyMs = () => options.clock.monotonic() - start;
  const bound = boundOf(options);
  try {
    await Promise.race([Promise.resolve().then(() => dependency.check(bound.signal)), bound.passed]);
    return { name, degrades, serving: true, latencyMs: latencyMs() };
  } catch (error) {
    return { name, degrades, serving: false, latencyMs: latencyMs(), error };
  } finally {
    bound.release();
  }
}

/** Aborts and rejects after the time, or when the process drains: nobody needs the answer then. */
function boundOf({ timeoutMs, drained }: ProbeOptions) {
  const controller = new AbortController();
  const { signal } = controller;
  const onDrain = () => controller.abort(new Error("the process drains"));
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  drained.addEventListener("abort", onDrain);
  const passed = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const release = () => {
    clearTimeout(timer);
    drained.removeEventListener("abort", onDrain);
  };
  return { signal, passed, release };
}

/** Resolves after the time, or as soon as one of the signals aborts. */
function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const signal of signals) signal.addEventListener("abort", done);
  });
}
