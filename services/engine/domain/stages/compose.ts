import type { ComposeRequest, Composer, Composition } from "../compose/composer.js";
import { type KnownAnswer, mayBeKnown } from "../known-answers.js";
import type { PipelineDeps, Run, StageReport } from "../run.js";
import { BudgetExceeded, raceBudget, type StageWork } from "../stage.js";
import { composeInWindows } from "./windows.js";

/** Composes an answer; when the responder's composer fails, the embedded one answers. */
export const compose: StageWork = async (run, deps, signal) => {
  const { composer, instructions, grounded } = run.request.responder;
  const { question, evidence, idf, conversation } = run;
  const request = { question, evidence, idf, instructions, conversation, grounded };
  const known = await findKnown(run, request, signal);
  if (known) return reuse(run, known);
  const attempt = await tryCompose(run, deps, request, signal);
  const failed = attempt.failure === undefined ? "" : `${composer.id} ${attempt.failure}; `;
  // What has left in part cannot be answered by somebody else.
  const fallback =
    failed === "" || composer === deps.fallback || run.released !== "" ? undefined : deps.fallback;
  const composition = fallback ? await fallback.compose(request, signal) : attempt.composition;
  run.composer = (fallback ?? composer).id;
  const { tokens, cost } = composition;
  run.usage = { ...(tokens && { tokens }), ...(cost !== undefined && { cost }) };
  const saw = `${run.evidence.length} passages`;
  if (!composition.composed) {
    if (run.released !== "") run.ended ??= `${composer.id} ${attempt.failure ?? "gave no end"}`;
    return { saw, concluded: `${failed}no answer: ${composition.reason}` };
  }
  const { content, toolCalls = [], finishReason = "" } = composition;
  run.draft = content;
  run.composed = content;
  run.toolCalls = toolCalls;
  run.finishReason = finishReason;
  const calls = toolCalls.length === 0 ? "" : ` and ${toolCalls.length} tool calls`;
  return { saw, concluded: `${failed}${run.composer} composed ${content.length} characters${calls}` };
};

/** Told in the record, and judged as if it had just been composed. */
function reuse(run: Run, { decisionId, content, finishReason }: KnownAnswer): StageReport {
  run.composer = run.request.responder.composer.id;
  run.cachedFrom = decisionId;
  run.draft = content;
  run.composed = content;
  run.finishReason = finishReason;
  const concluded = `${run.composer} had composed ${content.length} characters for decision ${decisionId}`;
  return { saw: `${run.evidence.length} passages and a known answer`, concluded };
}

async function findKnown(run: Run, request: ComposeRequest, signal: AbortSignal) {
  const { context, request: asked } = run;
  return mayBeKnown(run) ? asked.knownAnswers?.find({ ...request, context }, signal) : undefined;
}

interface Attempt {
  readonly composition: Composition;
  readonly failure?: string;
}

async function tryCompose(
  run: Run,
  deps: PipelineDeps,
  request: ComposeRequest,
  signal: AbortSignal,
): Promise<Attempt> {
  const { composer } = run.request.responder;
  try {
    const composition = await raceBudget(deps.budgets.compose, signal, (stop) =>
      composed(composer, run, deps, request, stop),
    );
    return { composition };
  } catch (error) {
    signal.throwIfAborted();
    const failure = error instanceof BudgetExceeded || isProviderError(error) ? error.message : "failed";
    return { composition: { composed: false, reason: "the composer failed" }, failure };
  }
}

function composed(
  composer: Composer,
  run: Run,
  deps: PipelineDeps,
  request: ComposeRequest,
  signal: AbortSignal,
): Composition | Promise<Composition> {
  const pieces = run.request.release && composer.composeInPieces?.(request, signal);
  return pieces ? composeInWindows(run, deps, pieces, signal) : composer.compose(request, signal);
}

/** Its message is written by us and holds nothing of the provider's. */
function isProviderError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ProviderError";
}
