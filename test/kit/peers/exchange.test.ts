import { Code } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { createTokenExchange, type ExchangeCall } from "../../../services/kit/peers/exchange.js";
import { expectRefusal } from "../chain/calls.js";
import { ada, fakeClock } from "../tokens/forge.js";
import { callerWith } from "./callee.js";

function exchanging(call?: ExchangeCall) {
  const clock = fakeClock();
  let made = 0;
  const numbered: ExchangeCall = async ({ audience }) => {
    made += 1;
    return { token: `${audience} ${made}`, expiresIn: 60 };
  };
  const asked = vi.fn(call ?? numbered);
  return { clock, asked, exchange: createTokenExchange(asked, clock) };
}

describe("the exchange of tokens", () => {
  it("asks once for each credential and audience", async () => {
    const { asked, exchange } = exchanging();
    const [ada, bob] = [callerWith(), callerWith({ credential: "bob's" })];
    expect(await exchange(ada, "agents")).toBe("agents 1");
    expect(await exchange(callerWith(), "agents")).toBe("agents 1");
    expect(await exchange(ada, "engine")).toBe("engine 2");
    expect(await exchange(bob, "agents")).toBe("agents 3");
    expect(asked.mock.calls.map(([request]) => request)).toEqual([
      { subjectToken: "outside", audience: "agents", tenant: "" },
      { subjectToken: "outside", audience: "engine", tenant: "" },
      { subjectToken: "bob's", audience: "agents", tenant: "" },
    ]);
  });

  it("asks once for each tenant that the bearer acts in, and says which", async () => {
    const { asked, exchange } = exchanging();
    const [atHome, away] = [callerWith(), callerWith({ principal: { ...ada, tenant: "acme" } })];
    expect(await exchange(atHome, "agents")).toBe("agents 1");
    expect(await exchange(away, "agents")).toBe("agents 2");
    expect(await exchange(atHome, "agents")).toBe("agents 1");
    expect(asked.mock.calls.map(([{ tenant }]) => tenant)).toEqual(["", "acme"]);
  });

  it("asks once for all who wait for the same token", async () => {
    const { asked, exchange } = exchanging();
    const tokens = await Promise.all([1, 2, 3].map(() => exchange(callerWith(), "agents")));
    expect(tokens).toEqual(["agents 1", "agents 1", "agents 1"]);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("asks again 10 s before the token expires", async () => {
    const { clock, exchange } = exchanging();
    await exchange(callerWith(), "agents");
    clock.advance(49_999);
    expect(await exchange(callerWith(), "agents")).toBe("agents 1");
    clock.advance(1);
    expect(await exchange(callerWith(), "agents")).toBe("agents 2");
  });

  it("fails for all who wait, and is asked again by the next", async () => {
    let fail = true;
    const { asked, exchange } = exchanging(async () => {
      if (fail) throw errors.tokenExpired();
      return { token: "t", expiresIn: 60 };
    });
    const waiting = [1, 2].map(() => exchange(callerWith(), "agents"));
    for (const one of waiting) await expectRefusal(one, Code.Unauthenticated, "TOKEN_EXPIRED");
    fail = false;
    expect(await exchange(callerWith(), "agents")).toBe("t");
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("leaves no rejection unheard when it fails for one alone", async () => {
    const unheard = vi.fn();
    process.on("unhandledRejection", unheard);
    const { exchange } = exchanging(() => Promise.reject(errors.tokenInvalid()));
    await expectRefusal(exchange(callerWith(), "agents"), Code.Unauthenticated, "TOKEN_INVALID");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unheard);
    expect(unheard).not.toHaveBeenCalled();
  });

  it("does not end with the call that asked first, as others wait too", async () => {
    const first = new AbortController();
    const { asked, exchange, clock } = exchanging();
    first.abort();
    await exchange(callerWith({ deadline: clock.now() + 1 }, first.signal), "agents");
    const [, caller] = asked.mock.calls[0] ?? [];
    expect(caller?.signal.aborted).toBe(false);
    expect(caller && callOf(caller).deadline).toBe(clock.now() + 1000);
  });

  it("has nothing to exchange for a caller without a credential", async () => {
    const { asked, exchange } = exchanging();
    expect(await exchange(callerWith({ credential: undefined }), "agents")).toBeUndefined();
    expect(asked).not.toHaveBeenCalled();
  });
});
