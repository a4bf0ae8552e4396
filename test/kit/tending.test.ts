import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Log } from "../../services/kit/log.js";
import { keepTending } from "../../services/kit/tending.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const minute = 60_000;

it("repeats its chores each minute, one after the other, until it is stopped", async () => {
  const done: string[] = [];
  const chore = (name: string) => async () => void done.push(name);
  const tending = keepTending({ a: chore("a"), b: chore("b") }, () => ({}) as Log);
  expect(done).toEqual([]);
  await vi.advanceTimersByTimeAsync(2 * minute);
  expect(done).toEqual(["a", "b", "a", "b"]);
  await tending.stop();
  await vi.advanceTimersByTimeAsync(minute);
  expect(done).toHaveLength(4);
});

it("goes on with the others when one fails, and says which", async () => {
  const error = vi.fn();
  const cause = new Error("away");
  const second = vi.fn(async () => undefined);
  const failing = async () => {
    throw cause;
  };
  const tending = keepTending({ "the first": failing, second }, () => ({ error }) as unknown as Log);
  await vi.advanceTimersByTimeAsync(2 * minute);
  expect(second).toHaveBeenCalledTimes(2);
  expect(error.mock.calls).toEqual(Array(2).fill(["the first failed", { cause }]));
  await tending.stop();
});
