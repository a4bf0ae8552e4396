import { readFileSync } from "node:fs";
import { ConfigError, type ConfigSource, configSource } from "./kit/config.js";
import { ContractError } from "./kit/contract/method.js";
import { type WorkloadName, workloads } from "./kit/contract/workloads.js";
import { packageVersion } from "./kit/package-root.js";
import { type RunningProcess, startProcess } from "./kit/process/process.js";
import { DirectoryLockedError } from "./kit/stores/database/lock.js";
import { UsageError } from "./kit/usage-error.js";
import { welcome } from "./welcome.js";
import { loadWorkload } from "./workloads.js";

const startedAt = performance.now();

/** Starts the workloads named on the command line; without names, all of them. */
async function main(args: readonly string[]): Promise<void> {
  if (isGeneric(args)) {
    const { runGeneric } = await import("./gateway/generic/run.js");
    stopOnSignals(await runGeneric(args.slice(1), progress));
    return progress("ready");
  }
  const names = workloadNames(args);
  const { restHandler, routeProblems } = await import("./gateway/rest.js");
  const running = await startProcess({
    names,
    source: readSource(),
    version: await packageVersion(),
    load: loadWorkload,
    rest: restHandler,
    check: routeProblems,
    progress,
  });
  progress("ready");
  process.stderr.write(welcome(running));
  stopOnSignals(running);
}

/** `gateway` with options serves somebody else's contract, and nothing of the platform. */
function isGeneric([name, ...rest]: readonly string[]): boolean {
  return name === "gateway" && rest.some((arg) => arg.startsWith("-"));
}

function workloadNames(args: readonly string[]): WorkloadName[] {
  const known = [...workloads.keys()];
  const unknown = args.filter((arg) => !workloads.has(arg as WorkloadName));
  if (unknown.length > 0) {
    throw new UsageError(`There is no workload ${unknown.join(", ")}; there are ${known.join(", ")}.`);
  }
  return args.length === 0 ? known : known.filter((name) => args.includes(name));
}

function readSource(): ConfigSource {
  const file = process.env.CONFIG;
  return configSource(process.env, file ? readFileSync(file, "utf8") : "");
}

// Standard output is for the log alone.
function progress(step: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stderr.write(`[${seconds.padStart(5)} s] ${step}\n`);
}

function stopOnSignals(running: Pick<RunningProcess, "stop">): void {
  let stopping = false;
  const stop = (signal: string) => {
    // A second signal means now.
    if (stopping) process.exit(1);
    stopping = true;
    progress(`${signal}: finishing calls in progress`);
    running.stop().then(
      () => {
        progress("stopped");
        // A collector that never answers would keep the event loop alive.
        process.exit(0);
      },
      (error) => fail(error),
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, stop);
}

/** Problems that the person at the terminal can mend are told without a stack. */
function fail(error: unknown): void {
  const expected = [UsageError, ConfigError, ContractError, DirectoryLockedError];
  const known = expected.some((type) => error instanceof type);
  const text =
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

await main(process.argv.slice(2)).catch(fail);
