import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import { createRedeemer, type Redeemed } from "../../../services/kit/tokens/redeemer.js";
import { expectRefusal } from "../chain/calls.js";

const address = "192.0.2.1";
const limit = 5;

function setUp() {
  let now = 1_000_000;
  const clock = { now: () => now, monotonic: () => now };
  const redeemer = createRedeemer({ limits: memoryLimits({ clock }), limit, clock });
  const asked: string[] = [];
  const credential = (id: string, answer: () => Promise<Redeemed>) => ({
    id,
    redeem: () => {
      asked.push(id);
      return answer();
    },
  });
  return {
    asked,
    redeemer,
    advance: (ms: number) => {
      now += ms;
    },
    good: (id = "good", expiresIn = 60) =>
      credential(id, async () => ({ token: `token ${asked.length}`, expiresIn })),
    bad: (id = "bad") => credential(id, () => Promise.reject(errors.apiKeyInvalid())),
    credential,
  };
}

describe("a good credential", () => {
  it("is asked about once, however many calls wait for it", async () => {
    const { redeemer, good, asked } = setUp();
    const tokens = await Promise.all([1, 2, 3].map(() => redeemer.tokenOf(good(), address)));
    expect(tokens).toEqual(["token 1", "token 1", "token 1"]);
    expect(asked).toHaveLength(1);
  });

  it("is asked about again 10 s before its token expires", async () => {
    const { redeemer, good, asked, advance } = setUp();
    await redeemer.tokenOf(good(), address);
    advance(49_999);
    await redeemer.tokenOf(good(), address);
    expect(asked).toHaveLength(1);
    advance(1);
    expect(await redeemer.tokenOf(good(), address)).toBe("token 2");
  });

  it("is asked about again when it is forgotten, also from an address that is over its rate", async () => {
    const { redeemer, good, bad } = setUp();
    await redeemer.tokenOf(good(), address);
    for (let count = 0; count <= limit; count += 1) {
      await redeemer.tokenOf(bad(`bad ${count}`), address).catch(() => undefined);
    }
    redeemer.forget("good");
    expect(await redeemer.tokenOf(good(), address)).toMatch(/^token/);
  });

  it("is asked about anew after a failure that says nothing of it", async () => {
    const { redeemer, good, credential } = setUp();
    const away = credential("good", () =>
      Promise.reject(errors.dependencyUnavailable({ dependency: "auth" })),
    );
    await expectRefusal(redeemer.tokenOf(away, address), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(await redeemer.tokenOf(good(), address)).toMatch(/^token/);
  });

  it("of which little is left is asked about after half of that", async () => {
    const { redeemer, good, asked, advance } = setUp();
    await redeemer.tokenOf(good("good", 4), address);
    advance(1_999);
    await redeemer.tokenOf(good("good", 4), address);
    expect(asked).toHaveLength(1);
    advance(1);
    await redeemer.tokenOf(good("good", 4), address);
    expect(asked).toHaveLength(2);
  });
});

describe("a false credential", () => {
  it("is refused without a question for 10 s", async () => {
    const { redeemer, bad, asked, advance } = setUp();
    expect(await redeemer.tokenOf(bad(), address)).toBeUndefined();
    expect(await redeemer.tokenOf(bad(), address)).toBeUndefined();
    expect(asked).toHaveLength(1);
    advance(10_000);
    expect(await redeemer.tokenOf(bad(), address)).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it("costs auth no more than the rate of its address, whatever is sent", async () => {
    const { redeemer, bad, asked } = setUp();
    for (let count = 0; count < limit; count += 1) {
      expect(await redeemer.tokenOf(bad(`bad ${count}`), address)).toBeUndefined();
    }
    for (let count = 0; count < 100; count += 1) {
      const attempt = redeemer.tokenOf(bad(`worse ${count}`), address);
      await expectRefusal(attempt, Code.ResourceExhausted, "RATE_LIMITED");
    }
    expect(asked).toHaveLength(limit + 1);
  });

  it("is not held against another address, or against nobody", async () => {
    const { redeemer, bad, good } = setUp();
    for (let count = 0; count < 20; count += 1) await redeemer.tokenOf(bad(`c ${count}`), undefined);
    for (let count = 0; count <= limit; count += 1) {
      await redeemer.tokenOf(bad(`bad ${count}`), address).catch(() => undefined);
    }
    expect(await redeemer.tokenOf(good(), "192.0.2.2")).toMatch(/^token/);
  });

  it("takes no more than 32 questions at once, from all addresses together", async () => {
    const { redeemer, credential, asked } = setUp();
    let answer: (error: Error) => void = () => undefined;
    const pending = new Promise<Redeemed>((_, reject) => {
      answer = reject;
    });
    const attempts = Array.from({ length: 33 }, (_, count) =>
      redeemer.tokenOf(
        credential(`c ${count}`, () => pending),
        `192.0.2.${count}`,
      ),
    );
    await expectRefusal(attempts[32] ?? Promise.resolve(), Code.ResourceExhausted, "SIGN_IN_BUSY");
    answer(errors.apiKeyInvalid());
    expect(await Promise.all(attempts.slice(0, 32))).toEqual(Array(32).fill(undefined));
    expect(asked).toHaveLength(32);
  });
});
