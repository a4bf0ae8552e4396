import type { Contestant } from "./contestants.js";
import { startUpstream } from "./contestants.js";
import { cpuSeconds } from "./cpu.js";
import { checkAnswer } from "./equality.js";
import { type Load, openLoad, type Running } from "./launch.js";
import type { Outcome } from "./load/generator.js";

/** How a contest goes. */
export interface ContestOptions {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly inFlight: number;
}

/** What one contestant took in one round. */
export interface Sample extends Outcome {
  /** Microseconds of its own CPU time for each request. */
  readonly cpu: number;
}

/** The samples of each contestant, by round; a contestant that cannot be had has none. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** Runs all contestants in turns, so that a machine that slows down slows all of them. */
export async function contest(
  contestants: readonly Contestant[],
  options: ContestOptions,
  progress: (line: string) => void,
): Promise<Samples> {
  const samples = new Map<string, Sample[]>();
  const absent = new Set<Contestant>();
  const upstream = contestants.some((one) => one.upstream) ? await startUpstream() : undefined;
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const contestant of contestants) {
        if (absent.has(contestant)) continue;
        const started = await contestant.start(upstream?.port ?? 0).catch((error: Error) => {
          absent.add(contestant);
          progress(`SKIPPED ${contestant.name}: ${error.message}`);
          return undefined;
        });
        if (!started) continue;
        const sample = await measure(contestant, started, options).finally(() => started.stop());
        const { requests, seconds, cpu, p99 } = sample;
        const figures = `${cpu.toFixed(1)} µs, ${Math.round(requests / seconds)}/s, p99 ${p99.toFixed(1)} ms`;
        progress(`round ${round}  ${contestant.name}: ${figures}`);
        samples.set(contestant.name, [...(samples.get(contestant.name) ?? []), sample]);
      }
    }
  } finally {
    await upstream?.stop();
  }
  return samples;
}

async function measure(
  { name, protocol }: Contestant,
  running: Running,
  { seconds, inFlight }: ContestOptions,
): Promise<Sample> {
  await checkAnswer(running, protocol).catch((cause) => {
    throw new Error(`${name} does not answer as the others do`, { cause });
  });
  const load = await openLoad({ port: running.port, protocol, token: running.token, inFlight });
  try {
    await warmUp(load);
    const before = cpuSeconds(running.pid);
    const outcome = await load.run({ seconds });
    const cpu = ((cpuSeconds(running.pid) - before) * 1e6) / outcome.requests;
    if (outcome.errors > 0)
      throw new Error(`${name} failed ${outcome.errors} of ${outcome.requests} requests`);
    return { ...outcome, cpu };
  } finally {
    await load.stop();
  }
}

const warmRequests = 15_000;
const warmSeconds = 12;

/** Asks until the compilers have seen enough, however slow the machine is at the moment. */
export async function warmUp(load: Load): Promise<void> {
  let requests = 0;
  for (let second = 0; second < warmSeconds && requests < warmRequests; second++) {
    requests += (await load.run({ seconds: 1 })).requests;
  }
}
