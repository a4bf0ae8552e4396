import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { raceBudget } from "../../../services/engine/domain/stage.js";

const never = () => new Promise<never>(() => undefined);

it("gives up work that takes longer than its budget, and aborts its signal", async () => {
  let given: AbortSignal | undefined;
  const work = (signal: AbortSignal) => {
    given = signal;
    return never();
  };
  await expect(raceBudget(1, new AbortController().signal, work)).rejects.toThrow("took longer than 1 ms");
  expect(given?.aborted).toBe(true);
});

it("gives up work with whoever waits for it, for their reason", async () => {
  const outer = new AbortController();
  const race = raceBudget(60_000, outer.signal, never);
  outer.abort(new Error("gone"));
  await expect(race).rejects.toThrow("gone");
  await expect(raceBudget(60_000, outer.signal, never)).rejects.toThrow("gone");
});

it.each<[string, () => unknown]>([
  ["done at once", () => 1],
  ["done later", async () => 1],
  ["failed later", () => Promise.reject(new Error("failed"))],
])("leaves no listener on the signal of whoever waits, %s", async (_, work) => {
  const outer = new AbortController();
  await raceBudget(60_000, outer.signal, work).catch(() => undefined);
  expect(getEventListeners(outer.signal, "abort")).toEqual([]);
});
