import { expect, it } from "vitest";
import { forgetting } from "../../services/analytics/retention.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const start = Date.parse("2026-03-01T12:00:00.000Z");

function kept() {
  const time = { passed: 0 };
  const forgotten: Date[] = [];
  const state = { away: false };
  const forget = forgetting({
    store: {
      async forget(before) {
        if (state.away) throw new Error("away");
        forgotten.push(before);
      },
    },
    days: 30,
    clock: { now: () => start + time.passed, monotonic: () => time.passed },
  });
  return { time, forgotten, state, forget };
}

it("forgets what is older than decisions are kept, at once and then once an hour", async () => {
  const { time, forgotten, forget } = kept();
  await forget();
  time.passed = hourMs - 1;
  await forget();
  expect(forgotten).toEqual([new Date(start - 30 * dayMs)]);
  time.passed = hourMs;
  await forget();
  expect(forgotten[1]).toEqual(new Date(start + hourMs - 30 * dayMs));
});

it("tries again the next time when it failed", async () => {
  const { forgotten, state, forget } = kept();
  state.away = true;
  await expect(forget()).rejects.toThrow("away");
  state.away = false;
  await forget();
  expect(forgotten).toHaveLength(1);
});
