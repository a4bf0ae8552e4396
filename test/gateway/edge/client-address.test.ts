import { afterAll, beforeAll, expect, it } from "vitest";
import type { TestPlatform } from "../../support/platform.js";
import { json, send, startEdge } from "./browser.js";

const rate = { RATE_SIGN_IN_PER_MINUTE: "3" };
let open: TestPlatform;
let behindProxy: TestPlatform;
let behindForwarded: TestPlatform;
beforeAll(async () => {
  open = await startEdge(rate);
  behindProxy = await startEdge({ ...rate, TRUSTED_PROXY_HOPS: "1" });
  behindForwarded = await startEdge({ ...rate, TRUSTED_PROXY_HOPS: "1", TRUSTED_PROXY_HEADER: "forwarded" });
});
afterAll(() => Promise.all([open, behindProxy, behindForwarded].map((platform) => platform.stop())));

/** The answers to as many guesses, each with headers of its own. */
async function guess(
  platform: TestPlatform,
  times: number,
  headersOf: (index: number) => Record<string, string>,
) {
  const reasons: string[] = [];
  for (let index = 0; index < times; index += 1) {
    const login = json({ username: "admin", password: "a guess" }, headersOf(index));
    reasons.push((await send(platform.url, "POST", "/api/v1/auth/login", login)).json.reason);
  }
  return reasons;
}

const wrong = "CREDENTIALS_INVALID";
const limited = "RATE_LIMITED";

it("nobody gets another rate by claiming another address", async () => {
  const claims = (index: number) => ({
    "x-forwarded-for": `6.6.6.${index}`,
    forwarded: `for=6.6.6.${index}`,
  });
  expect(await guess(open, 4, claims)).toEqual([wrong, wrong, wrong, limited]);
});

it("nobody gets another rate by claims before what our proxy saw", async () => {
  const claims = (index: number) => ({ "x-forwarded-for": `6.6.6.${index}, 1.2.3.4:${4000 + index}` });
  expect(await guess(behindProxy, 4, claims)).toEqual([wrong, wrong, wrong, limited]);
  const elsewhere = () => ({ "x-forwarded-for": "5.5.5.5" });
  expect(await guess(behindProxy, 1, elsewhere)).toEqual([wrong]);
});

it("nobody gets another rate by the header that our proxy does not write, or by leaving a quotation open", async () => {
  const claims = (index: number) => ({
    "x-forwarded-for": `6.6.6.${index}`,
    forwarded: `for="6.6.6.${index}, for=1.2.3.4`,
  });
  expect(await guess(behindForwarded, 4, claims)).toEqual([wrong, wrong, wrong, limited]);
  expect(await guess(behindForwarded, 1, () => ({ forwarded: "for=5.5.5.5" }))).toEqual([wrong]);
});
