import { create } from "@bufbuild/protobuf";
import { Code, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoginRequestSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { accountSecrets } from "../../../services/auth/domain/account-secrets.js";
import { createPasswords, type Passwords } from "../../../services/auth/domain/passwords.js";
import type { AuthParts } from "../../../services/auth/parts.js";
import { login } from "../../../services/auth/rpc/login.js";
import { callKey } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, startAuth, testConfig } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";

let auth: Auth;
let passwords: Passwords;
beforeAll(async () => {
  auth = await startAuth();
  passwords = await createPasswords(testConfig.passwords);
});
afterAll(() => auth.stop());

/** Who is asked for, by what an attacker would learn if one were answered otherwise. */
const asked: Record<string, () => Promise<{ tenant?: string; username: string }>> = {
  "an account": async () => ({ username: (await auth.account()).username }),
  "no account": async () => ({ username: newId() }),
  "a disabled account": async () => ({ username: (await auth.account({ active: false })).username }),
  "an account of no such tenant": async () => ({ tenant: "nowhere", username: newId() }),
  "a tenant that is no name": async () => ({ tenant: "' or 1=1", username: newId() }),
};

/** What notes every call of a function in it, in its order. */
function noting<T extends object>(calls: string[], name: string, of: T): T {
  return new Proxy(of, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      const path = `${name}.${String(key)}`;
      if (typeof value === "function") {
        return (...args: unknown[]) => {
          calls.push(path);
          return Reflect.apply(value, target, args);
        };
      }
      return typeof value === "object" && value !== null ? noting(calls, path, value) : value;
    },
  });
}

/** What one attempt calls of the store and of the passwords. */
async function attempt(request: object, code: Code, reason: "CREDENTIALS_INVALID" | "SIGN_IN_DELAYED") {
  const calls: string[] = [];
  const parts = {
    store: noting(calls, "store", auth.store),
    passwords: noting(calls, "passwords", passwords),
    secrets: accountSecrets(Buffer.alloc(32, 7), testConfig.accounts.failures),
    lifetimes: testConfig.lifetimes,
    clock: auth.time.clock,
  } as unknown as AuthParts;
  const answer = Promise.resolve(
    login(parts)(create(LoginRequestSchema, { ...request, password: "a wrong one" }), newContext()),
  );
  await expectRefusal(answer, code, reason);
  return calls;
}

function newContext(): HandlerContext {
  const values = createContextValues().set(callKey, {
    requestId: newId(),
    correlationId: "",
    caller: Workload.GATEWAY,
    client: undefined,
    principal: undefined,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
  });
  return { values, signal: new AbortController().signal } as HandlerContext;
}

describe.each(Object.entries(asked))("a wrong password for %s", (_, who) => {
  it("takes the calls that it takes for every other, and one check of a password", async () => {
    expect(await attempt(await who(), Code.Unauthenticated, "CREDENTIALS_INVALID")).toEqual([
      "store.accounts.signInTenant",
      "store.signInFailures.delay",
      "store.accounts.byUsername",
      "passwords.matches",
      "store.signInFailures.add",
    ]);
  });

  it("is delayed after as many failures, before anything depends on the account", async () => {
    const { perAccount } = testConfig.accounts.failures;
    const request = await who();
    for (let failures = 0; failures < perAccount; failures++) {
      await attempt(request, Code.Unauthenticated, "CREDENTIALS_INVALID");
    }
    const delayed = await attempt(request, Code.ResourceExhausted, "SIGN_IN_DELAYED");
    expect(delayed).toEqual(["store.accounts.signInTenant", "store.signInFailures.delay"]);
  });
});
