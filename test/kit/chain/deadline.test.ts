import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deadline, parseTimeout, requestedTimeout } from "../../../services/kit/chain/deadline.js";
import { callOf } from "../../../services/kit/context.js";
import type { Timers } from "../../../services/kit/timers.js";
import { fakeClock } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, pass, type RequestInit, requestOf, watch } from "./calls.js";

const contractMs = contractOf(getAgent).deadlineMs ?? 0;
const never = () => new Promise(() => undefined);

/** Timers that fire when they are told to. */
function handTimers() {
  const waiting = new Set<() => void>();
  const asked: number[] = [];
  const start: Timers["start"] = (ms, fire) => {
    asked.push(ms);
    waiting.add(fire);
    return { stop: () => void waiting.delete(fire) };
  };
  return { timers: { start }, waiting, asked };
}

/** Milliseconds that a handler which never answers is given, and what is said in its place. */
async function boundOf(init: RequestInit) {
  const { timers, waiting, asked } = handTimers();
  let signal: AbortSignal | undefined;
  const layer = deadline({ clock: fakeClock(), timers });
  const answer = pass([layer], requestOf(getAgent, init), (request) => {
    signal = request.signal;
    return never();
  });
  const refusal = expectRefusal(answer, Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
  for (const fire of waiting) fire();
  const [ms] = asked;
  return { ms, error: await refusal, signal };
}

describe("the deadline", () => {
  it("answers in time for a handler that ignores its signal", async () => {
    const { ms, error } = await boundOf({ header: { "connect-timeout-ms": "50" } });
    expect(ms).toBe(45);
    expect(error.rawMessage).toBe("No answer within 50 ms.");
  });

  it("aborts the handler's signal with the same typed error", async () => {
    const { error, signal } = await boundOf({ header: { "grpc-timeout": "50m" } });
    expect(signal?.reason).toBe(error);
  });

  it("is the contract's when the caller asks for none, or for a longer one", async () => {
    expect((await boundOf({})).ms).toBe(contractMs);
    expect((await boundOf({ header: { "grpc-timeout": "99999999H" } })).ms).toBe(contractMs);
    expect((await boundOf({ header: { "connect-timeout-ms": "9999999999" } })).ms).toBe(contractMs);
  });

  it("is the caller's when that is shorter, less 5 % but at least 5 ms", async () => {
    expect((await boundOf({ header: { "connect-timeout-ms": "1000" } })).ms).toBe(950);
    expect((await boundOf({ header: { "connect-timeout-ms": "20" } })).ms).toBe(15);
    expect((await boundOf({ header: { "connect-timeout-ms": "3" } })).ms).toBe(0);
  });

  it("never exceeds what is left to a caller in memory", async () => {
    const { now } = fakeClock();
    expect((await boundOf({ call: { deadline: now() + 400 } })).ms).toBe(380);
    const late = await boundOf({ call: { deadline: now() - 400 } });
    expect(late.ms).toBe(0);
    expect(late.error.rawMessage).toBe("No answer within 0 ms.");
  });

  it("tells the handler when the caller stops waiting", async () => {
    const clock = fakeClock();
    let left = 0;
    await pass([deadline({ clock })], requestOf(getAgent), ({ contextValues }) => {
      left = callOf({ values: contextValues }).deadline - clock.now();
      return {};
    });
    expect(left).toBe(contractMs);
  });

  it("leaves no timer behind, however the call ends", async () => {
    const { timers, waiting } = handTimers();
    const layer = deadline({ clock: fakeClock(), timers });
    await pass([layer], requestOf(getAgent));
    await pass([layer], requestOf(getAgent), () => Promise.reject(new Error("no"))).catch(() => undefined);
    const throwing = () => () => () => {
      throw new Error("at once");
    };
    await expect(pass([layer, throwing], requestOf(getAgent))).rejects.toThrow("at once");
    expect(waiting.size).toBe(0);
  });

  it("passes on that the caller went away", async () => {
    for (const before of [true, false]) {
      const outer = new AbortController();
      if (before) outer.abort("gone");
      const answer = pass(
        [deadline({ clock: fakeClock() })],
        requestOf(getAgent, { signal: outer.signal }),
        ({ signal }) => {
          if (!before) outer.abort("gone");
          return Promise.reject(signal.reason);
        },
      );
      await expect(answer).rejects.toBe("gone");
    }
  });

  it("has no part in streams, which end by themselves", async () => {
    expect(deadline({ clock: fakeClock() })(contractOf(watch))).toBeUndefined();
  });
});

describe("the time that a caller asks for", () => {
  const ms = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

  it("is read from grpc-timeout in every unit", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 99_999_999 }),
        fc.constantFrom(...Object.entries(ms)),
        (n, [unit, factor]) => {
          expect(requestedTimeout(new Headers({ "grpc-timeout": `${n}${unit}` }))).toBe(n * factor);
        },
      ),
    );
  });

  it("is read from connect-timeout-ms", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_999_999_999 }), (n) => {
        expect(requestedTimeout(new Headers({ "connect-timeout-ms": String(n) }))).toBe(n);
      }),
    );
  });

  it("is endless without a header", () => {
    expect(requestedTimeout(new Headers())).toBe(Number.POSITIVE_INFINITY);
  });

  it("is endless or a number from 0, whatever stands there", () => {
    const value = fc.oneof(fc.string(), fc.stringMatching(/^-?\d{0,12}[HMSmunx.]?$/));
    fc.assert(
      fc.property(fc.constantFrom("grpc-timeout", "connect-timeout-ms"), value, (name, text) => {
        expect(parseTimeout(name, text)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it.each(["1", "123456789S", "1s", "-1S", "1.5S", "1 S", "S"])("is endless for grpc-timeout %s", (value) => {
    expect(parseTimeout("grpc-timeout", value)).toBe(Number.POSITIVE_INFINITY);
  });
});
