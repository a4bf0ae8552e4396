import pg from "pg";
import { describe, expect, it } from "vitest";
import { retrying, type TransactionRetry } from "../../../../services/kit/stores/database/retry.js";

const failing = (code: string, routine?: string) => {
  const error = new pg.DatabaseError("failed", 6, "error");
  return Object.assign(error, { code, routine });
};

describe("retry of transactions", () => {
  const run = async (outcomes: (Error | string)[], more: Partial<TransactionRetry> = {}) => {
    const pauses: number[] = [];
    const bounds: number[] = [];
    let time = 0;
    const options: TransactionRetry = {
      attempts: 5,
      boundMs: 1000,
      clock: { now: () => time, monotonic: () => time },
      random: () => 0.5,
      pause: async (ms) => {
        pauses.push(ms);
        time += ms;
      },
      ...more,
    };
    const attempt = async (remainingMs: number) => {
      bounds.push(remainingMs);
      const outcome = outcomes.shift();
      if (typeof outcome === "string") return outcome;
      throw outcome;
    };
    const result = await retrying(attempt, options).catch((error: Error) => error);
    return { result, pauses, bounds };
  };

  it("repeats deadlocks, serialization failures and plans older than a migration, with growing pauses", async () => {
    const lost = [failing("40P01"), failing("40001"), failing("0A000", "RevalidateCachedQuery")];
    expect(await run([...lost, "done"])).toEqual({
      result: "done",
      pauses: [5, 10, 20],
      bounds: [1000, 995, 985, 965],
    });
  });

  it("repeats nothing else", async () => {
    for (const error of [failing("23505"), failing("0A000", "other"), failing("57014"), new Error("mine")]) {
      expect(await run([error, "done"])).toMatchObject({ result: error, pauses: [] });
    }
  });

  it("gives up after its attempts with the last failure", async () => {
    const last = failing("40001");
    const { result, pauses } = await run([failing("40P01"), failing("40P01"), last, "late"], { attempts: 3 });
    expect(result).toBe(last);
    expect(pauses).toHaveLength(2);
  });

  it("gives up rather than pause beyond its bound", async () => {
    const { result, pauses } = await run([failing("40001"), "late"], { boundMs: 5 });
    expect(result).toMatchObject({ code: "40001" });
    expect(pauses).toEqual([]);
  });
});
