import type { KeyedHash } from "./keyed-hash.js";

/** An account and a tenant by the names that a call gave. */
export interface NamedAccount {
  /** Empty for none. */
  readonly account: string;
  /** Empty for none. */
  readonly tenant: string;
}

/** What the audit record keeps of such names. */
export interface AuditedAccount {
  /** Id of the account, or `name:` and a keyed hash of its name; empty without a name. */
  readonly target: string;
  /** Id of the tenant; empty when there is none of the name. */
  readonly tenant: string;
}

/** Finds an account; its id is undefined when the tenant has none of the name, all of it when there is no such tenant. */
export type FindAccount = (
  names: NamedAccount,
) => Promise<{ readonly tenant: string; readonly id: string | undefined } | undefined>;

/**
 * Turns the names of a call into what may be kept. What people type for a name
 * is now and then a password, so that no name is kept that is no account's.
 */
export function auditedAccounts(find: FindAccount, hash: KeyedHash) {
  return async (names: NamedAccount): Promise<AuditedAccount> => {
    const found = await find(names);
    const tenant = found?.tenant ?? "";
    if (names.account === "") return { target: "", tenant };
    return { target: found?.id ?? `name:${hash(names.tenant, names.account).toString("base64url")}`, tenant };
  };
}
