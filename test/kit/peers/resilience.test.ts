import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { errors } from "../../../services/kit/errors.js";
import { createResilience, noResilience } from "../../../services/kit/peers/resilience.js";
import { expectRefusal } from "../chain/calls.js";

const open = new AbortController().signal;
const down = () => Promise.reject(new ConnectError("connection refused", Code.Unavailable));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The outcome of a call whose backoffs pass at once. */
async function outcome<T>(answer: Promise<T>): Promise<T | unknown> {
  const settled = answer.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(5000);
  return settled;
}

describe("retries", () => {
  it("repeat an idempotent call three times at most", async () => {
    const call = vi.fn(down);
    await outcome(createResilience("agents").run(true, call, open));
    expect(call).toHaveBeenCalledTimes(4);
  });

  it("end with the first success", async () => {
    const call = vi.fn().mockImplementationOnce(down).mockResolvedValue("here");
    expect(await outcome(createResilience("agents").run(true, call, open))).toBe("here");
    expect(call).toHaveBeenCalledTimes(2);
  });

  it("never repeat a call that is not idempotent", async () => {
    const call = vi.fn(down);
    await outcome(createResilience("agents").run(false, call, open));
    expect(call).toHaveBeenCalledTimes(1);
  });

  it("never repeat a call that was answered", async () => {
    const call = vi.fn(() => Promise.reject(errors.agentNotFound({ id: "7" })));
    const answer = createResilience("agents").run(true, call, open);
    await expectRefusal(answer, Code.NotFound, "AGENT_NOT_FOUND");
    expect(call).toHaveBeenCalledTimes(1);
  });

  it("end when the caller goes away", async () => {
    const caller = new AbortController();
    const call = vi.fn(() => {
      caller.abort();
      return down();
    });
    await outcome(createResilience("agents").run(true, call, caller.signal));
    expect(call).toHaveBeenCalledTimes(1);
  });
});

describe("the breaker", () => {
  /** A breaker after ten calls, of which so many found the peer down. */
  const breakerAfter = async (failures: number) => {
    const resilience = createResilience("agents");
    for (let call = 0; call < 10; call += 1) {
      await resilience
        .run(false, call < 10 - failures ? async () => "up" : down, open)
        .catch(() => undefined);
    }
    return resilience;
  };

  it("opens when half of ten calls found the peer down, and then answers at once", async () => {
    const resilience = await breakerAfter(5);
    const call = vi.fn(async () => "up");
    for (const idempotent of [true, false]) {
      const answer = resilience.run(idempotent, call, open);
      const error = await expectRefusal(answer, Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
      expect(error.rawMessage).toBe("agents does not answer.");
    }
    expect(call).not.toHaveBeenCalled();
  });

  it("stays closed below that", async () => {
    expect(await (await breakerAfter(4)).run(false, async () => "up", open)).toBe("up");
  });

  it("does not count answers that refuse", async () => {
    const resilience = createResilience("agents");
    const refuse = () => Promise.reject(errors.agentNotFound({ id: "7" }));
    for (let call = 0; call < 20; call += 1) await resilience.run(false, refuse, open).catch(() => undefined);
    expect(await resilience.run(false, async () => "up", open)).toBe("up");
  });

  it("lets one call try after 30 seconds, and closes when it succeeds", async () => {
    const resilience = await breakerAfter(5);
    vi.advanceTimersByTime(30_000);
    expect(await resilience.run(false, async () => "up", open)).toBe("up");
    expect(await resilience.run(false, async () => "up", open)).toBe("up");
  });
});

it("leaves everything to the mesh where there is one", async () => {
  const call = vi.fn(down);
  await noResilience.run(true, call, open).catch(() => undefined);
  expect(call).toHaveBeenCalledTimes(1);
});
