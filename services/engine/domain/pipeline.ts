import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { StageName } from "../config.js";
import type { Masked } from "./judges/personal-data/personal-data.js";
import { createPseudonymise } from "./pseudonyms/pseudonymise.js";
import {
  type MaskedPart,
  type MaskPersonalData,
  maskedKey,
  type PipelineDeps,
  type PipelineRequest,
  type Run,
  startRun,
} from "./run.js";
import { runCheck, runStage, type StageWork } from "./stage.js";
import { admit } from "./stages/admit.js";
import { compose } from "./stages/compose.js";
import { mask } from "./stages/mask.js";
import { reflect } from "./stages/reflect.js";
import { retrieve } from "./stages/retrieve.js";
import { screenEvidence } from "./stages/screen-evidence.js";
import { isBlocked, screenInput } from "./stages/screen-input.js";
import { screenOutput, screenRevision } from "./stages/screen-output.js";
import { decisionOf, settle } from "./stages/settle.js";

/**
 * Decides one request. Rejects only when `signal` aborts and the request does
 * not settle then, or by a fault of ours outside the checks.
 */
export type Pipeline = (request: PipelineRequest, signal: AbortSignal) => Promise<Decision>;

/** Where evidence and answers come from. */
export interface Sources {
  readonly retrieve: StageWork;
  readonly compose: StageWork;
}

/**
 * The way of a request: admit, mask, screen the input, retrieve, screen the
 * evidence, compose, screen the answer, reflect, settle. Each stage leaves its
 * time and a step of reasoning. The same request leads to the same decision,
 * identifiers, times and load aside, as long as the composer is deterministic;
 * its creativity is beside the answers of late, whichever they were.
 */
export function createPipeline(given: PipelineDeps, sources: Sources = { retrieve, compose }): Pipeline {
  return async (request, signal) => {
    const run = startRun(request, given);
    const deps = { ...given, maskPersonalData: maskOnce(given.maskPersonalData, run) };
    try {
      await runStage("admit", admit, run, deps, signal);
      await answer(run, deps, sources, signal);
    } catch (error) {
      if (!request.settlesWhenLeft || !signal.aborted) throw error;
      run.ended = "the caller left, or its time was over, before the verdict";
    }
    const { outcome } = await runStage("settle", settle, run, deps, signal);
    return decisionOf(run, outcome, deps);
  };
}

/** Goes on until there is an answer, or a reason to withhold one. */
async function answer(
  run: Run,
  deps: PipelineDeps,
  { retrieve, compose }: Sources,
  signal: AbortSignal,
): Promise<void> {
  await runCheck("mask", mask, run, deps, signal);
  if (isWithheld(run)) return;
  await runCheck("screen_input", screenInput, run, deps, signal);
  if (isWithheld(run)) return;
  await runStage("retrieve", retrieve, run, deps, signal);
  await runCheck("screen_evidence", screenEvidence, run, deps, signal);
  if (isWithheld(run)) return;
  await runStage("compose", compose, run, deps, signal);
  if (run.draft === undefined) return;
  await runCheck("screen_output", screenOutput, run, deps, signal);
  if (isWithheld(run)) return;
  await runStage("reflect", reflect, run, deps, signal);
  if (run.draft !== run.composed) await runCheck("screen_revision", screenRevision, run, deps, signal);
}

/** Masks each text of a run once, and leaves what came of it for the record. */
function maskOnce(mask: MaskPersonalData, run: Run): MaskPersonalData {
  const { pseudonyms } = run.request;
  const pseudonymise = pseudonyms && createPseudonymise(pseudonyms);
  return (text) => {
    const part = partOf(run);
    const key = maskedKey(part, text);
    const known = run.masked.get(key);
    if (known) return known.masked;
    const remember = (masked: Masked) => {
      run.masked.set(key, { part, masked });
      return masked;
    };
    const found = mask(text, part);
    const result = pseudonymise ? after(found, (masked) => pseudonymise(text, masked, part)) : found;
    return after(result, remember);
  };
}

/** Goes on at once where nothing has to be waited for. */
function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function partOf({ timings }: Run): MaskedPart {
  const done = (name: StageName) => timings.some(({ stage }) => stage === name);
  if (done("screen_evidence")) return "answer";
  return done("mask") ? "evidence" : "request";
}

function isWithheld(run: Run): boolean {
  return (
    run.ended !== undefined || run.unavailable.length > 0 || run.uncovered !== undefined || isBlocked(run)
  );
}
