import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { parseOptions } from "@node-rs/argon2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { newId } from "../../../services/kit/ids.js";
import {
  type Auth,
  callable,
  eventType,
  password,
  startAuth,
  startService,
  testConfig,
} from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const from = (address: string) => auth.call({ client: { address, agent: "test" } });
const wrong = (username: string, call = auth.call()) =>
  expectRefusal(
    call.login({ username, password: "a wrong one" }),
    Code.Unauthenticated,
    "CREDENTIALS_INVALID",
  );
const delayed = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.ResourceExhausted, "SIGN_IN_DELAYED");
const right = (username: string, call = auth.call()) => call.login({ username, password });

async function failures(username: string, count: number) {
  for (let i = 0; i < count; i++) await wrong(username);
}

function retryMs(error: Awaited<ReturnType<typeof delayed>>): number {
  const { retryDelay } = error.findDetails(RetryInfoSchema)[0] ?? create(RetryInfoSchema);
  return Number(retryDelay?.seconds ?? 0) * 1000 + (retryDelay?.nanos ?? 0) / 1e6;
}

describe("failed sign-ins to an account", () => {
  it("delay nothing up to the fourth", async () => {
    const { username } = await auth.account();
    await failures(username, 4);
    await expect(right(username)).resolves.toBeDefined();
  });

  it("delay the next from the fifth on, the right password included, and say until when", async () => {
    const { username } = await auth.account();
    await failures(username, 5);
    const error = await delayed(right(username));
    expect(retryMs(error)).toBe(1000);
    expect(error.message).toContain("in 1 seconds");
    auth.time.advance(1000);
    await expect(right(username)).resolves.toBeDefined();
  });

  it("delay twice as long after each other one, 15 minutes at most", async () => {
    const { username } = await auth.account();
    await failures(username, 4);
    const delays: number[] = [];
    for (let i = 0; i < 13; i++) {
      await wrong(username);
      const ms = retryMs(await delayed(right(username)));
      delays.push(ms / 1000);
      auth.time.advance(ms);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  it("count from the beginning after a success, and after an hour without one", async () => {
    const { username } = await auth.account();
    await failures(username, 4);
    await right(username);
    await failures(username, 4);
    auth.time.advance(3_600_001);
    await failures(username, 4);
    await expect(right(username)).resolves.toBeDefined();
  });

  it("are counted the same for an account that does not exist", async () => {
    const username = `nobody-${newId()}`;
    await failures(username, 5);
    expect(retryMs(await delayed(right(username)))).toBe(1000);
  });

  it("delay no other account", async () => {
    const [first, second] = [await auth.account(), await auth.account()];
    await failures(first.username, 5);
    await expect(right(second.username)).resolves.toBeDefined();
  });

  it("are seen by every replica", async () => {
    const { username } = await auth.account();
    const platform = { clock: auth.time.clock, database: async () => auth.database };
    const other = callable(await startService(testConfig, platform));
    await failures(username, 3);
    await wrong(username, other);
    await wrong(username, other);
    await delayed(right(username));
  });

  it("refuse a right guess among wrong ones that were made at once", async () => {
    const { username } = await auth.account();
    const narrow = { ...testConfig, passwords: { ...testConfig.passwords, concurrency: 1 } };
    const platform = { clock: auth.time.clock, database: async () => auth.database };
    const calls = callable(await startService(narrow, platform));
    const guesses = Array.from({ length: 20 }, () => calls.login({ username, password: "a wrong one" }));
    const late = delayed(calls.login({ username, password }));
    const outcomes = await Promise.allSettled(guesses);
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    await late;
  });

  it("are kept by hashes that tell neither name nor address, and forgotten ones are swept away", async () => {
    const { username } = await auth.account();
    await wrong(username, from("203.0.113.200"));
    const rows = await auth.db.selectFrom("sign_in_failures").selectAll().execute();
    expect(rows.every(({ key }) => key.length === 32)).toBe(true);
    auth.time.advance(3_600_001);
    await wrong(username);
    const left = auth.db.selectFrom("sign_in_failures").select("key");
    expect(await left.execute()).toHaveLength(1);
  });
});

describe("failed sign-ins from an address", () => {
  it("delay the next from there, to whatever account, and from nowhere else", async () => {
    const { username } = await auth.account();
    for (let i = 0; i < 20; i++) await wrong(`guess-${newId()}`, from("198.51.100.7"));
    await delayed(right(username, from("198.51.100.7")));
    await expect(right(username, from("198.51.100.8"))).resolves.toBeDefined();
  });

  it("count for all 64 bits that one owner of IPv6 addresses has", async () => {
    const { username } = await auth.account();
    for (let i = 0; i < 20; i++) await wrong(`guess-${newId()}`, from(`2001:db8::${i + 1}`));
    await delayed(right(username, from("2001:db8::ffff")));
    await expect(right(username, from("2001:db8:0:1::1"))).resolves.toBeDefined();
  });
});

describe("a hash that is weaker than configured", () => {
  it("is replaced at the next sign-in, and recorded", async () => {
    const account = await auth.account();
    const strong = { ...testConfig, passwords: { ...testConfig.passwords, memoryKib: 128, passes: 2 } };
    const platform = { clock: auth.time.clock, database: async () => auth.database };
    const calls = callable(await startService(strong, platform));
    await calls.login({ username: account.username, password });
    const stored = () =>
      auth.db
        .selectFrom("users")
        .select("password_hash")
        .where("id", "=", account.id)
        .executeTakeFirstOrThrow();
    const { password_hash } = await stored();
    expect(parseOptions(password_hash)).toMatchObject({ memoryCost: 128, timeCost: 2 });
    await calls.login({ username: account.username, password });
    expect(await stored()).toEqual({ password_hash });
    const types = (await auth.events("user", account.id)).map(eventType);
    expect(types).toEqual(["UserCreated", "PasswordStrengthened"]);
  });

  it("stays when the one that signs in has a wrong password", async () => {
    const account = await auth.account();
    await wrong(account.username);
    expect((await auth.events("user", account.id)).map(eventType)).toEqual(["UserCreated"]);
  });
});
