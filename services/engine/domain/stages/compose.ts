import type { ComposeRequest, Composer, Composition } from "../compose/composer.js";
import type { PipelineDeps, Run } from "../run.js";
import { BudgetExceeded, raceBudget, type StageWork } from "../stage.js";
import { composeInWindows } from "./windows.js";

/** Composes an answer; when the responder's composer fails, the embedded one answers. */
export const compose: StageWork = async (run, deps, signal) => {
  const { composer, instructions, grounded } = run.request.responder;
  const { question, evidence, idf, conversation } = run;
  const request = { question, evidence, idf, instructions, conversation, grounded };
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
