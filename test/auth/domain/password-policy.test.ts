import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgePassword, requireGoodPassword } from "../../../services/auth/domain/password-policy.js";
import { expectRefusal } from "../support/expect-refusal.js";

const ada = { username: "ada.lovelace", email: "countess@analytical-engine.example" };
const judge = (password: string) => judgePassword(password, ada);

describe("the password policy", () => {
  it.each([
    "correct horse battery staple",
    "an admin's password",
    "tr0ub4dour&3xyz",
    "Vq7#kd92Lmx!",
    "зимний вечер 42 чая",
    "four little ducks went out",
    "839201746512",
  ])("takes %j", async (password) => {
    expect(await judge(password)).toBeUndefined();
  });

  it.each([
    ["eleven char", "length"],
    ["🔑".repeat(11), "length"],
    ["x".repeat(257), "length"],
    ["password1234", "common"],
    ["Password123!", "common"],
    ["p@ssw0rdp@ssw0rd", "common"],
    ["qwertyuiop123", "common"],
    ["zxcvbnmasdfghjkl", "common"],
    ["aaaaaaaaaaaaaaaa", "common"],
    ["abcdefghijklmnop", "common"],
    ["abababababababab", "common"],
    ["x7kx7kx7kx7kx7k", "common"],
    ["123456789012345", "common"],
    ["iloveyouiloveyou", "common"],
    ["consciousness1", "common"],
    ["🔑".repeat(12), "common"],
    ["ada.lovelace1", "account"],
    ["LovelaceLovelace", "common"],
    ["ecalevol2026", "account"],
    ["countess!1815", "account"],
    ["L0v3l4c3-Ada!", "account"],
  ])("refuses %j: %s", async (password, problem) => {
    expect(await judge(password)).toBe(problem);
  });

  it("tells each problem by a reason of its own", async () => {
    const attempt = (password: string) => requireGoodPassword(password, ada);
    await expectRefusal(attempt("short"), Code.InvalidArgument, "PASSWORD_LENGTH_INVALID");
    await expectRefusal(attempt("password1234"), Code.InvalidArgument, "PASSWORD_TOO_COMMON");
    await expectRefusal(attempt("lovelace1815"), Code.InvalidArgument, "PASSWORD_RESEMBLES_ACCOUNT");
    await expect(attempt("correct horse battery staple")).resolves.toBeUndefined();
  });

  it("counts characters in the form in which passwords are compared", async () => {
    expect(await judge("ﬃ".repeat(86))).toBe("length");
  });

  it("never refuses twelve or more random characters for what they are made of", async () => {
    const random = fc.stringMatching(/^[!-~]{18,40}$/);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(random, async (password) => {
        const characters = new Set(password).size;
        if (characters >= 12 && (await judge(password)) !== undefined) refused += 1;
      }),
    );
    expect(refused).toBe(0);
  });

  it("judges whatever text there is, and refuses what only repeats", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 3 }), async (part) => {
        expect(await judge(part.repeat(40).slice(0, 40))).not.toBeUndefined();
      }),
    );
  });

  it("takes the longest password in a few milliseconds, however it is made", async () => {
    const worst = ["4@8({[3691!|0$5+7%2", "p@$$w0rd", "1", "12", "password", "ab1"].map((part) =>
      part.repeat(256).slice(0, 256),
    );
    const began = performance.now();
    for (const password of worst) await judge(password);
    expect((performance.now() - began) / worst.length).toBeLessThan(100);
  });
});
