import type { Client } from "../../kit/context.js";
import type { KeyedHash } from "./keyed-hash.js";
import { networkOf } from "./network.js";

/** What failed sign-ins are counted by. */
export interface FailureKey {
  readonly hash: Uint8Array;
  /** How many failures delay the next attempt. */
  readonly allowed: number;
}

/** How many failures delay the next attempt to sign in. */
export interface FailureLimits {
  readonly perAccount: number;
  /** More than for an account, since many people share an address. */
  readonly perAddress: number;
}

/** Who tries to sign in to what; the account need not exist. */
export interface Attempt {
  readonly tenant: string;
  readonly username: string;
  readonly client: Client | undefined;
}

/** Whoever has one IPv6 address has its 64 bits. */
const addressPrefixes = { ipv4: 32, ipv6: 64 };

/** The keys of an attempt: its account's, and its address's where that is known. */
export type SignInKeys = (attempt: Attempt) => readonly FailureKey[];

export function signInKeys(hash: KeyedHash, { perAccount, perAddress }: FailureLimits): SignInKeys {
  return ({ tenant, username, client }) => {
    const account = { hash: hash("account", tenant, username), allowed: perAccount };
    const network = networkOf(client?.address ?? "", addressPrefixes);
    return network === "" ? [account] : [account, { hash: hash("address", network), allowed: perAddress }];
  };
}
