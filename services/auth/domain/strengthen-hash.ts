import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import { callOf } from "../../kit/context.js";
import type { AuthParts } from "../parts.js";
import type { Account } from "./account.js";

/**
 * Hashes a password anew that has just been shown to be right, when its stored
 * hash is weaker than configured. It waits for another sign-in when too much is
 * being hashed.
 */
export async function strengthenHash(
  { passwords, store }: Pick<AuthParts, "passwords" | "store">,
  account: Account,
  password: string,
  context: Pick<HandlerContext, "values" | "signal">,
): Promise<void> {
  if (!passwords.isWeak(account.passwordHash)) return;
  try {
    const hash = await passwords.hash(password, context.signal);
    await store.accountSecurity.replaceHash(account, hash, callOf(context));
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
  }
}
