import type { ComposeRequest, Composer, Composition } from "../compose/composer.js";
import { BudgetExceeded, raceBudget, type StageWork } from "../stage.js";

/** Composes an answer; when the responder's composer fails, the embedded one answers. */
export const compose: StageWork = async (run, deps, signal) => {
  const { composer, instructions } = run.request.responder;
  const request = { question: run.question, evidence: run.evidence, idf: run.idf, instructions };
  const attempt = await tryCompose(composer, request, deps.budgets.compose, signal);
  const fallback = attempt.failure === undefined || composer === deps.fallback ? undefined : deps.fallback;
  const composition = fallback ? await fallback.compose(request, signal) : attempt.composition;
  run.composer = (fallback ?? composer).id;
  const failed = attempt.failure === undefined ? "" : `${composer.id} ${attempt.failure}; `;
  const saw = `${run.evidence.length} passages`;
  if (!composition.composed) return { saw, concluded: `${failed}no answer: ${composition.reason}` };
  run.draft = composition.content;
  run.composed = composition.content;
  return { saw, concluded: `${failed}${run.composer} composed ${composition.content.length} characters` };
};

interface Attempt {
  readonly composition: Composition;
  readonly failure?: string;
}

async function tryCompose(
  composer: Composer,
  request: ComposeRequest,
  budgetMs: number,
  signal: AbortSignal,
): Promise<Attempt> {
  try {
    return { composition: await raceBudget(budgetMs, signal, (stop) => composer.compose(request, stop)) };
  } catch (error) {
    signal.throwIfAborted();
    const failure = error instanceof BudgetExceeded || isProviderError(error) ? error.message : "failed";
    return { composition: { composed: false, reason: "the composer failed" }, failure };
  }
}

/** Its message is written by us and holds nothing of the provider's. */
function isProviderError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ProviderError";
}
