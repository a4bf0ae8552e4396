import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Composition } from "../compose/composer.js";
import { requireChecked } from "../policy/checked.js";
import { maskedKey, type PipelineDeps, type Run } from "../run.js";
import { budgetOf, raceBudget } from "../stage.js";
import { splitSentences } from "../text/sentences.js";
import { judgeInRun } from "./judge-in-run.js";
import { blockingViolations } from "./screen-input.js";

/** Fewest characters of a window. */
const fewestCharacters = 400;
/**
 * A window has at least this share of all before it, since all of that is judged
 * again: so judging takes a fixed multiple of the answer's length altogether.
 */
const leastShare = 0.25;
/** How much longer the text has become when a window that it had no end for is looked for again. */
const lookAgainAt = 1.05;

/**
 * Takes in an answer piece by piece and releases windows of whole sentences,
 * each judged, masked, with all that went before. Stops at a rule that blocks,
 * at a check that fails, and when masking changes what has left. What follows
 * the last window is released with the verdict.
 */
export async function composeInWindows(
  run: Run,
  deps: PipelineDeps,
  pieces: AsyncGenerator<string, Composition>,
  signal: AbortSignal,
): Promise<Composition> {
  let text = "";
  let judged = 0;
  let looksAt = fewestCharacters;
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done) return next.value;
      // Leading blanks are no part of an answer.
      text = text === "" ? next.value.trimStart() : text + next.value;
      if (text.length < looksAt) continue;
      const end = lastSentenceEnd(text);
      looksAt = text.length * lookAgainAt;
      if (end - judged < fewestCharacters) continue;
      judged = end;
      looksAt = end + Math.max(fewestCharacters, end * leastShare);
      if (!(await releaseUpTo(text.slice(0, end), run, deps, signal))) {
        return { composed: true, content: text.slice(0, end), toolCalls: [] };
      }
    }
  } finally {
    await pieces.return({ composed: false, reason: "stopped" });
  }
}

/** Resolves to whether more may follow. */
async function releaseUpTo(
  text: string,
  run: Run,
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const window = await judgedWindow(text, run, deps, signal);
  if (window === undefined) return false;
  signal.throwIfAborted();
  // Whether a caller that leaves meanwhile has read it, nobody knows.
  run.released += window;
  await run.request.release?.(window);
  return true;
}

async function judgedWindow(
  text: string,
  run: Run,
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { shadow, failures, opinions, steps } = run;
  const lists: readonly unknown[][] = [shadow, failures, opinions, steps];
  const noted = lists.map(({ length }) => length);
  try {
    const masked = await deps.maskPersonalData(text);
    // The record is of the whole answer.
    run.masked.delete(maskedKey("answer", text));
    const judged = { text: masked.text, scope: Scope.OUTPUT, stage: "screen_output" } as const;
    const budgetMs = budgetOf("screen_output", run, deps);
    const ruling = await raceBudget(budgetMs, signal, (stop) => judgeInRun(judged, run, deps, stop));
    requireChecked(ruling);
    const { violations } = ruling;
    // The last judgement, of the whole answer, notes all of it.
    for (const [at, list] of lists.entries()) list.splice(noted[at] ?? 0);
    if (blockingViolations(violations, run.request.options.ethicalStrictness).length > 0) {
      // Even if the judgement of the whole came out otherwise.
      run.ended = "a rule blocks what was to leave next";
      return undefined;
    }
    if (masked.text.startsWith(run.released)) return masked.text.slice(run.released.length);
    run.ended = "what followed changes what had left";
  } catch {
    signal.throwIfAborted();
    run.unavailable.push("screen_window");
  }
  return undefined;
}

/** Behind the last sentence that surely has ended, as another has begun. */
function lastSentenceEnd(text: string): number {
  return splitSentences(text).at(-2)?.end ?? 0;
}
