import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { workloadToken } from "../../../services/kit/tokens.js";
import { fakeClock, hs256, now, signingInput } from "./forge.js";

const secret = "a secret of thirty-two bytes or more";
const header = { alg: "HS256", typ: "workload+jwt" };
const claims = { iss: "gateway", aud: "engine", iat: now, exp: now + 60, jti: "j1" };

async function reasonOf(attempt: Promise<unknown>) {
  const error = await attempt.then(
    () => expect.unreachable("it was accepted"),
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(ConnectError);
  expect(error.code).toBe(Code.Unauthenticated);
  return errorFacts(error)?.reason;
}

describe("a workload token", () => {
  it("says which workload calls", async () => {
    const tokens = workloadToken({ secret, clock: fakeClock() });
    const token = await tokens.issue(Workload.GATEWAY, Workload.ENGINE);
    expect(await tokens.verify(token, Workload.ENGINE)).toBe(Workload.GATEWAY);
    expect(await workloadToken({ secret, clock: fakeClock() }).verify(token, Workload.ENGINE)).toBe(
      Workload.GATEWAY,
    );
  });

  it("is refused by another workload, also after the right one took it", async () => {
    const tokens = workloadToken({ secret, clock: fakeClock() });
    const token = await tokens.issue(Workload.GATEWAY, Workload.ENGINE);
    await tokens.verify(token, Workload.ENGINE);
    expect(await reasonOf(tokens.verify(token, Workload.AUTH))).toBe("TOKEN_INVALID");
  });

  it("expires after 60 s", async () => {
    const clock = fakeClock();
    const tokens = workloadToken({ secret, clock });
    const token = await tokens.issue(Workload.GATEWAY, Workload.ENGINE);
    clock.advance(59_999);
    await expect(tokens.verify(token, Workload.ENGINE)).resolves.toBe(Workload.GATEWAY);
    clock.advance(1);
    expect(await reasonOf(tokens.verify(token, Workload.ENGINE))).toBe("TOKEN_EXPIRED");
  });

  it("is given out again for half its life, per edge", async () => {
    const clock = fakeClock();
    const tokens = workloadToken({ secret, clock });
    const issue = () => tokens.issue(Workload.GATEWAY, Workload.ENGINE);
    const first = await issue();
    clock.advance(29_999);
    expect(await issue()).toBe(first);
    expect(await tokens.issue(Workload.GATEWAY, Workload.AUTH)).not.toBe(first);
    clock.advance(1);
    expect(await issue()).not.toBe(first);
  });

  const table: [string, string][] = [
    ["under another secret", hs256("another secret, just as long as ours", header, claims)],
    ["with alg none", `${signingInput({ ...header, alg: "none" }, claims)}.`],
    ["of another HMAC", hs256(secret, { ...header, alg: "HS512" }, claims)],
    ["of another type", hs256(secret, { ...header, typ: "at+jwt" }, claims)],
    ["of an unknown workload", hs256(secret, header, { ...claims, iss: "mallory" })],
    ["of the unspecified workload", hs256(secret, header, { ...claims, iss: "unspecified" })],
    ["without an issuer", hs256(secret, header, { ...claims, iss: undefined })],
    ["for several workloads", hs256(secret, header, { ...claims, aud: ["engine", "auth"] })],
    ["from the future", hs256(secret, header, { ...claims, iat: now + 6 })],
    ["without an expiry", hs256(secret, header, { ...claims, exp: undefined })],
    ["that is no token", "gateway"],
    ["that is oversized", "a".repeat(9000)],
  ];

  it.each(table)("%s is refused with TOKEN_INVALID", async (_, token) => {
    const tokens = workloadToken({ secret, clock: fakeClock() });
    expect(await reasonOf(tokens.verify(token, Workload.ENGINE))).toBe("TOKEN_INVALID");
  });

  it("needs a secret of 32 bytes", () => {
    expect(() => workloadToken({ secret: "too short", clock: fakeClock() })).toThrow(/32 bytes/);
  });
});
