import { create } from "@bufbuild/protobuf";
import { StageTimingSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { ReasoningStepSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { boundedSignal } from "../../kit/abortable-delay.js";
import type { Clock } from "../../kit/clock.js";
import type { StageName } from "../config.js";
import { RuleUnavailable } from "./policy/checked.js";
import type { PipelineDeps, Run, StageReport } from "./run.js";

/** A stage took longer than it may. */
export class BudgetExceeded extends Error {
  override readonly name = "BudgetExceeded";

  constructor(readonly budgetMs: number) {
    super(`took longer than ${budgetMs} ms`);
  }
}

/** The work of a stage. */
export type StageWork = (
  run: Run,
  deps: PipelineDeps,
  signal: AbortSignal,
) => StageReport | Promise<StageReport>;

/**
 * Runs a check within its budget. When it fails or takes too long the run says
 * so, and the verdict will not take that for "safe".
 */
export async function runCheck(
  name: StageName,
  work: StageWork,
  run: Run,
  deps: PipelineDeps,
  signal: AbortSignal,
) {
  try {
    await runStage(name, (...args) => withinBudget(deps, name, args, work), run, deps, signal);
  } catch (error) {
    // The caller going away is no failure of the check.
    signal.throwIfAborted();
    const told = error instanceof BudgetExceeded || error instanceof RuleUnavailable;
    const why = told ? error.message : "failed";
    run.unavailable.push(name);
    addStep(run, name, {
      saw: "nothing that counts",
      concluded: `the check ${why}, so the answer is withheld`,
    });
  }
}

/** Runs a stage, and notes its time and its reasoning step. */
export async function runStage<R extends StageReport>(
  name: StageName,
  work: (...args: Parameters<StageWork>) => R | Promise<R>,
  run: Run,
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<R> {
  const start = deps.clock.monotonic();
  try {
    const report = await work(run, deps, signal);
    addStep(run, name, report);
    return report;
  } finally {
    const durationMs = elapsedMs(deps.clock, start);
    const timing = create(StageTimingSchema, {
      stage: name,
      durationMs,
      budgetMs: budgetOf(name, run, deps),
    });
    run.timings.push(timing);
    run.request.onStage?.(timing);
  }
}

/** Milliseconds since `start` on the monotonic clock, to the microsecond. */
export function elapsedMs(clock: Clock, start: number): number {
  return Math.round((clock.monotonic() - start) * 1000) / 1000;
}

/** How long a stage may take, in milliseconds: one that judges longer where a language model may be asked. */
export function budgetOf(name: StageName, run: Run, { budgets }: Pick<PipelineDeps, "budgets">): number {
  return budgets[name] + (name.startsWith("screen_") ? (run.secondOpinions?.mostMs ?? 0) : 0);
}

async function withinBudget(
  { clock }: PipelineDeps,
  name: StageName,
  [run, deps, outer]: Parameters<StageWork>,
  work: StageWork,
): Promise<StageReport> {
  const budgetMs = budgetOf(name, run, deps);
  const start = clock.monotonic();
  const report = await raceBudget(budgetMs, outer, (signal) => work(run, deps, signal));
  if (clock.monotonic() - start > budgetMs) throw new BudgetExceeded(budgetMs);
  return report;
}

/** Settles as the work does, or rejects when the budget is used up or the caller goes away. */
export async function raceBudget<T>(
  budgetMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const { signal, release } = boundedSignal(budgetMs, outer, () => new BudgetExceeded(budgetMs));
  try {
    const started = work(signal);
    if (!(started instanceof Promise)) return started;
    // The loser of the race may reject later, which nobody waits for.
    started.catch(() => {});
    const stopped = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return await Promise.race([started, stopped]);
  } finally {
    release();
  }
}

function addStep(run: Run, stage: StageName, { saw, concluded }: StageReport): void {
  run.steps.push(create(ReasoningStepSchema, { stage, saw, concluded }));
}
