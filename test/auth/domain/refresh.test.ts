import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeRefresh, type PresentedToken } from "../../../services/auth/domain/refresh.js";

const now = 1_800_000_000_000;
const good: PresentedToken = {
  expireTime: new Date(now + 1),
  usedTime: undefined,
  sessionEnded: false,
  successorUnused: false,
  account: { active: true },
};
const judge = (changes: Partial<PresentedToken> = {}) => judgeRefresh({ ...good, ...changes }, now).outcome;
const used = { usedTime: new Date(now - 1) };
const expired = { expireTime: new Date(now) };
const disabled = { account: { active: false } };

describe("a presented refresh token", () => {
  it("is exchanged when nothing speaks against it", () => {
    expect(judge()).toBe("rotate");
  });

  it("is refused when unknown, expired, or of an ended session", () => {
    expect(judgeRefresh(undefined, now).outcome).toBe("invalid");
    expect(judge(expired)).toBe("invalid");
    expect(judge({ sessionEnded: true })).toBe("invalid");
  });

  it("is refused when its account is disabled", () => {
    expect(judge(disabled)).toBe("disabled");
  });

  it("counts as reused even when it has expired or its account is disabled", () => {
    expect(judge({ ...used, ...expired, ...disabled })).toBe("reused");
  });

  it("answers with its successor again for 10 seconds, as long as that was not used", () => {
    const usedBefore = (ms: number) => ({ usedTime: new Date(now - ms), successorUnused: true });
    expect([0, 9_999].map((ms) => judge(usedBefore(ms)))).toEqual(["repeat", "repeat"]);
    expect(judge(usedBefore(10_000))).toBe("reused");
    expect(judge({ ...usedBefore(0), successorUnused: false })).toBe("reused");
    expect(judge({ ...usedBefore(0), ...disabled })).toBe("disabled");
    expect(judge({ ...usedBefore(0), sessionEnded: true })).toBe("invalid");
  });

  it("is exchanged only when unused, unexpired, of a live session and an active account", () => {
    const tokens = fc.record({
      expireTime: fc.integer({ min: -2, max: 2 }).map((ms) => new Date(now + ms)),
      usedTime: fc.constantFrom(undefined, new Date(now - 1)),
      sessionEnded: fc.boolean(),
      successorUnused: fc.boolean(),
      account: fc.record({ active: fc.boolean() }),
    });
    fc.assert(
      fc.property(tokens, (token) => {
        const fine =
          !token.usedTime && !token.sessionEnded && token.account.active && token.expireTime.getTime() > now;
        expect(judgeRefresh(token, now).outcome === "rotate").toBe(fine);
      }),
    );
  });
});
