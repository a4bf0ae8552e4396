import type { Contestant } from "./contestants.js";
import { startUpstream } from "./contestants.js";
import { cpuSeconds } from "./cpu.js";
import { checkAnswer } from "./equality.js";
import { type Load, openLoad } from "./launch.js";
import type { Outcome } from "./load/generator.js";

/** How a contest goes. */
export interface ContestOptions {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly inFlight: number;
  /** Whether contestants are started once, and wait for their turns; else they are started for each. */
  readonly standing?: boolean;
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
  const standing = new Map<Contestant, Ready>();
  const upstream = contestants.some((one) => one.upstream) ? await startUpstream() : undefined;
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const contestant of contestants) {
        if (absent.has(contestant)) continue;
        const started = standing.get(contestant) ?? (await start(contestant, upstream?.port ?? 0, options));
        if (started instanceof Error) {
          absent.add(contestant);
          progress(`SKIPPED ${contestant.name}: ${started.message}`);
          continue;
        }
        standing.set(contestant, started);
        const sample = await measure(contestant, started, options.seconds);
        if (!options.standing) await started.stop().finally(() => standing.delete(contestant));
        const { requests, seconds, cpu, p99 } = sample;
        const figures = `${cpu.toFixed(1)} µs, ${Math.round(requests / seconds)}/s, p99 ${p99.toFixed(1)} ms`;
        progress(`round ${round}  ${contestant.name}: ${figures}`);
        samples.set(contestant.name, [...(samples.get(contestant.name) ?? []), sample]);
      }
    }
  } finally {
    for (const one of standing.values()) await one.stop();
    await upstream?.stop();
  }
  return samples;
}

/** A contestant that answers as it has to and is warm, and who asks it. */
interface Ready {
  readonly pid: number;
  readonly load: Load;
  stop(): Promise<void>;
}

/** The error where a contestant cannot be had; rejects when it answers differently. */
async function start(
  { name, protocol, start: begin }: Contestant,
  upstream: number,
  { inFlight }: ContestOptions,
): Promise<Ready | Error> {
  const running = await begin(upstream).catch((error: Error) => error);
  if (running instanceof Error) return running;
  const { pid, port, token } = running;
  const closers = [() => running.stop()];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    await checkAnswer(running, protocol).catch((cause) => {
      throw new Error(`${name} does not answer as the others do`, { cause });
    });
    const load = await openLoad({ port, protocol, token, inFlight });
    closers.push(() => load.stop());
    await warmUp(load);
    return { pid, load, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function measure({ name }: Contestant, { pid, load }: Ready, seconds: number): Promise<Sample> {
  const before = cpuSeconds(pid);
  const outcome = await load.run({ seconds });
  const cpu = ((cpuSeconds(pid) - before) * 1e6) / outcome.requests;
  if (outcome.errors > 0) throw new Error(`${name} failed ${outcome.errors} of ${outcome.requests} requests`);
  return { ...outcome, cpu };
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
