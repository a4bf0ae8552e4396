import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { errors } from "../../../services/kit/errors.js";
import { noResilience, createResilience as resilienceOf } from "../../../services/kit/peers/resilience.js";
import { expectRefusal } from "../chain/calls.js";

const open = new AbortController().signal;
const down = () => Promise.reject(new ConnectError("connection refused", Code.Unavailable));

let closed: AbortController;

/** An address whose health checks end as `check` does; calls know it by `name`. */
function address(name = "only", check: () => Promise<unknown> = down): Transport & { name: string } {
  const never = () => Promise.reject(new Error("nobody streams"));
  return { name, unary: check as Transport["unary"], stream: never };
}

function createResilience(peer: string, ...transports: Transport[]) {
  const known = transports.length > 0 ? transports : [address()];
  return resilienceOf({ peer, transports: known, closed: closed.signal });
}

beforeEach(() => {
  closed = new AbortController();
  vi.useFakeTimers();
});
afterEach(() => {
  closed.abort();
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

  it("closes as soon as a health check is answered", async () => {
    let check = down as () => Promise<unknown>;
    const resilience = createResilience(
      "agents",
      address("only", () => check()),
    );
    for (let call = 0; call < 10; call += 1) await resilience.run(false, down, open).catch(() => undefined);
    await expectRefusal(
      resilience.run(false, async () => "up", open),
      Code.Unavailable,
      "DEPENDENCY_UNAVAILABLE",
    );
    // It is no health that is asked for, but an answer.
    check = () => Promise.reject(errors.callerNotAllowed({ caller: "engine", method: "Check" }));
    await vi.advanceTimersByTimeAsync(300);
    expect(await resilience.run(false, async () => "up", open)).toBe("up");
  });

  it("does not count a peer's answer that its own dependency is away, nor repeats the call", async () => {
    const resilience = createResilience("agents");
    const refuse = vi.fn(() => Promise.reject(errors.dependencyUnavailable({ dependency: "The database" })));
    for (let call = 0; call < 20; call += 1) await outcome(resilience.run(true, refuse, open));
    expect(refuse).toHaveBeenCalledTimes(20);
    expect(await resilience.run(false, async () => "up", open)).toBe("up");
  });

  it("does not count calls that their callers gave up", async () => {
    const resilience = createResilience("agents");
    const givenUp = () => Promise.reject(new ConnectError("This operation was aborted", Code.Canceled));
    for (let call = 0; call < 20; call += 1) {
      const caller = new AbortController();
      const call = () => {
        caller.abort();
        return givenUp();
      };
      await resilience.run(false, call, caller.signal).catch(() => undefined);
    }
    expect(await resilience.run(false, async () => "up", open)).toBe("up");
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

describe("replicas", () => {
  const one = address("one");
  const other = address("other");
  const nameOf = (transport: Transport) => (transport as typeof one).name;
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  /** Calls of which those at `one` fail with `error`; tells where each went. */
  const failingAtOne = (error: () => ConnectError) => {
    const went: string[] = [];
    const call = async (transport: Transport) => {
      went.push(nameOf(transport));
      if (nameOf(transport) === "one") throw error();
      return "up";
    };
    return { went, call };
  };
  const lost = () => new ConnectError("connection reset", Code.Aborted);
  const unsent = () => new ConnectError("refused", Code.Unavailable, undefined, undefined, refused);

  it("take turns, and whoever has fewer calls under way is preferred", async () => {
    const resilience = createResilience("agents", one, other);
    const went: string[] = [];
    const calls = async () => {
      for (let n = 0; n < 4; n += 1) {
        await resilience.run(
          false,
          async (transport) => {
            went.push(nameOf(transport));
          },
          open,
        );
      }
    };
    await calls();
    expect(went.sort()).toEqual(["one", "one", "other", "other"]);
    went.length = 0;
    let finish = () => {};
    const busy = resilience.run(
      false,
      (transport) => {
        went.push(nameOf(transport));
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      open,
    );
    await calls();
    const [held, ...rest] = went;
    expect(new Set(rest)).toEqual(new Set([held === "one" ? "other" : "one"]));
    finish();
    await busy;
  });

  it("get a lost idempotent call repeated at another, and nothing more until the lost one answers", async () => {
    const resilience = createResilience("agents", one, other);
    const { went, call } = failingAtOne(lost);
    for (let n = 0; n < 6; n += 1) expect(await outcome(resilience.run(true, call, open))).toBe("up");
    expect(went.filter((name) => name === "one")).toHaveLength(1);
    expect(went.filter((name) => name === "other")).toHaveLength(6);
  });

  it("do not get a lost call repeated that may have had its effect", async () => {
    const resilience = createResilience("agents", one, other);
    const { went, call } = failingAtOne(lost);
    const outcomes = [];
    for (let n = 0; n < 4; n += 1) outcomes.push(await outcome(resilience.run(false, call, open)));
    expect(outcomes.filter((one) => one !== "up")).toEqual([lost()]);
    expect(went).toHaveLength(4);
  });

  it("get whatever cannot have arrived repeated at another", async () => {
    const resilience = createResilience("agents", one, other);
    const { went, call } = failingAtOne(unsent);
    for (let n = 0; n < 4; n += 1) expect(await outcome(resilience.run(false, call, open))).toBe("up");
    expect(went).toHaveLength(5);
  });

  it("are not hammered when none of them is reached", async () => {
    const resilience = createResilience("agents", one, other);
    const call = vi.fn(() => Promise.reject(unsent()));
    expect(await outcome(resilience.run(false, call, open))).toMatchObject({ code: Code.Unavailable });
    expect(call).toHaveBeenCalledTimes(2);
  });
});

it("leaves everything to the mesh where there is one", async () => {
  const call = vi.fn(down);
  await noResilience(address())
    .run(true, call, open)
    .catch(() => undefined);
  expect(call).toHaveBeenCalledTimes(1);
});
