import type { DecisionEvent } from "../stream-decision.js";

/**
 * The events, and a sign of quiet whenever none came for a while. Not before
 * the input has passed, since a refusal of it has a status of its own.
 */
export async function* withComments(
  events: AsyncGenerator<DecisionEvent>,
  keepAliveMs: number,
): AsyncGenerator<DecisionEvent | "quiet"> {
  let passed = false;
  try {
    for (let next = events.next(); ; ) {
      const result: IteratorResult<DecisionEvent> | "quiet" = passed
        ? await orQuiet(next, keepAliveMs)
        : await next;
      if (result === "quiet") {
        yield result;
        continue;
      }
      if (result.done) return;
      passed ||= result.value.kind === "stage" && result.value.timing.stage === "retrieve";
      yield result.value;
      next = events.next();
    }
  } finally {
    // It may wait for a decision, which hears of this by its signal alone.
    events.return(undefined).catch(() => undefined);
  }
}

async function orQuiet<T>(next: Promise<T>, milliseconds: number): Promise<T | "quiet"> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<"quiet">((resolve) => {
    timer = setTimeout(() => resolve("quiet"), milliseconds);
  });
  try {
    return await Promise.race([next, quiet]);
  } finally {
    clearTimeout(timer);
  }
}
