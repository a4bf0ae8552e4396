import { errors } from "../../kit/errors.js";

const attempts = 5;

/**
 * Runs `attempt`, which loads an agent, decides and saves, until it returns
 * something: undefined means that another change came in between. Whoever gave
 * an etag finds it outdated at the second attempt; whoever gave none is spared
 * the race. Throws ETAG_MISMATCH when five attempts have lost.
 */
export async function untilSaved<R>(id: string, attempt: () => Promise<R | undefined>): Promise<R> {
  for (let left = attempts; left > 0; left--) {
    const saved = await attempt();
    if (saved !== undefined) return saved;
  }
  throw errors.etagMismatch({ id });
}
