import type { Client } from "../../kit/context.js";
import { seal, unseal } from "../../kit/sealing/sealed.js";
import { keyedHash } from "./keyed-hash.js";
import { networkOf } from "./network.js";
import type { ClientMarks } from "./second-factor.js";
import { type FailureLimits, type SignInKeys, signInKeys } from "./sign-in-keys.js";

/** How many bits of an address name a network to somebody who moves between addresses. */
const networkPrefixes = { ipv4: 24, ipv6: 48 };

/** What of accounts is kept under the key-encryption key. */
export interface AccountSecrets {
  /** What failed sign-ins are counted by. */
  readonly signInKeys: SignInKeys;
  /** What an account remembers a client by; nothing of one that is unknown, so that it is never familiar. */
  marksOf(user: string, client: Client | undefined): ClientMarks;
  /** Seals the secret of an account's second factor. */
  sealSecret(secret: Uint8Array, user: string): Uint8Array;
  /** The secret that was sealed for the account. */
  openSecret(sealed: Uint8Array, user: string): Buffer;
}

export function accountSecrets(key: Uint8Array, limits: FailureLimits): AccountSecrets {
  const hash = keyedHash(key, "familiar clients");
  return {
    signInKeys: signInKeys(keyedHash(key, "failed sign-ins"), limits),
    marksOf(user, client) {
      const network = networkOf(client?.address ?? "", networkPrefixes);
      const agent = client?.agent ?? "";
      return {
        network: network === "" ? undefined : hash("network", user, network),
        agent: agent === "" ? undefined : hash("agent", user, agent),
      };
    },
    sealSecret: (secret, user) => seal(secret, key, labelOf(user)),
    openSecret: (sealed, user) => unseal(sealed, key, labelOf(user)),
  };
}

function labelOf(user: string): string {
  return `second factor ${user}`;
}
