import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { errorFacts } from "../../../../services/kit/errors.js";
import { memoryLimits } from "../../../../services/kit/stores/limits/memory.js";
import { type RateState, takeFromRate } from "../../../../services/kit/stores/limits/rate.js";
import { quotaExhausted, rateLimited } from "../../../../services/kit/stores/limits/refusal.js";
import { limitsContract } from "../limits-contract.js";

limitsContract("in memory", async () => {
  let time = 1_700_000_000_000;
  const clock = { now: () => time, monotonic: () => time };
  return {
    limits: memoryLimits({ clock }),
    pass: async (ms) => {
      time += ms;
    },
    beginWindow: async (ms) => {
      time = Math.ceil(time / ms) * ms;
    },
  };
});

describe("a rate", () => {
  const steps = fc.array(fc.record({ wait: fc.nat(2_000), cost: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 60,
  });

  it("never lets through more than a burst and what has flowed off since", () => {
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 100, max: 5_000 }),
        (all, limit, windowMs) => {
          let state: RateState | undefined;
          let now = 0;
          let taken = 0;
          for (const { wait, cost } of all) {
            now += wait;
            const outcome = takeFromRate(state, { key: "k", limit, windowMs, cost }, now);
            state = outcome.state;
            if (outcome.decision.allowed) taken += cost;
            expect(taken).toBeLessThanOrEqual(limit + (now * limit) / windowMs + 1e-6);
          }
        },
      ),
    );
  });

  it("allows what it refused once the time that it named has passed", () => {
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 5, max: 20 }),
        fc.integer({ min: 100, max: 5_000 }),
        (all, limit, windowMs) => {
          let state: RateState | undefined;
          let now = 0;
          for (const { wait, cost } of all) {
            now += wait;
            const request = { key: "k", limit, windowMs, cost };
            const outcome = takeFromRate(state, request, now);
            state = outcome.state;
            const { allowed, retryAfterMs } = outcome.decision;
            if (!allowed)
              expect(takeFromRate(state, request, now + retryAfterMs).decision.allowed).toBe(true);
          }
        },
      ),
    );
  });
});

describe("a refusal", () => {
  it("by rate carries its reason and when to come back", () => {
    const decision = { allowed: false, remaining: 0, resetMs: 9_000, retryAfterMs: 1_500 };
    const error = rateLimited({ key: "k", limit: 10, windowMs: 60_000 }, decision);
    expect(errorFacts(error)?.reason).toBe("RATE_LIMITED");
    expect(error.rawMessage).toBe("Over the rate of 10 in 60 seconds. Try again in 2 seconds.");
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay).toMatchObject({
      seconds: 1n,
      nanos: 500_000_000,
    });
  });

  it("by quota carries its reason and when the window ends", () => {
    const decision = { allowed: false, remaining: 0, resetMs: 9_000, reservation: "" };
    const error = quotaExhausted({ key: "k", limit: 10, windowMs: 60_000, amount: 1 }, decision);
    expect(errorFacts(error)?.reason).toBe("QUOTA_EXHAUSTED");
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(9n);
  });
});
