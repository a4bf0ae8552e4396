import { randomBytes } from "node:crypto";
import { hash as argon2, verify as argon2Verify, type Options } from "@node-rs/argon2";
import { errors } from "../../kit/errors.js";
import { createWorkQueue } from "./work-queue.js";

/** Costs of argon2id and bounds of its use. */
export interface PasswordSettings {
  /** Checks at once. Each takes a thread of Node's pool, which has four. */
  readonly concurrency: number;
  /** Checks that may wait. */
  readonly waiting: number;
  /** Memory of one hash, in KiB. */
  readonly memoryKib: number;
  /** Passes over that memory. */
  readonly passes: number;
}

/** Hashes and checks passwords. Throws SIGN_IN_BUSY when too much of that waits already. */
export interface Passwords {
  /** The password's argon2id hash in PHC format. */
  hash(password: string, signal?: AbortSignal): Promise<string>;
  /**
   * Whether the password belongs to the hash. Without a hash, as of an account
   * that does not exist, it is false after the same work.
   */
  matches(password: string, hash: string | undefined, signal: AbortSignal): Promise<boolean>;
  /** Whether a stored hash costs less to guess against than a new one would. */
  isWeak(hash: string): boolean;
}

const never = new AbortController().signal;

/**
 * Passwords by argon2id (RFC 9106), 32 bytes out, one lane, in the costs of
 * OWASP's password storage cheat sheet by default. A password is compared in
 * its NFKC form, as NIST SP 800-63B says, so that keyboards agree.
 */
export async function createPasswords(settings: PasswordSettings): Promise<Passwords> {
  // Argon2id is the library's default; its enum cannot be named under isolated modules.
  const costs: Options = { memoryCost: settings.memoryKib, timeCost: settings.passes, parallelism: 1 };
  const inTurn = createWorkQueue({ ...settings, refuse: () => errors.signInBusy() });
  const nobodys = await argon2(randomBytes(32), costs);

  return {
    hash: (password, signal = never) => inTurn(() => argon2(password.normalize("NFKC"), costs), signal),
    async matches(password, hash, signal) {
      const right = await inTurn(() => argon2Verify(hash ?? nobodys, password.normalize("NFKC")), signal);
      return right && hash !== undefined;
    },
    isWeak(hash) {
      const costs = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(hash);
      return !costs || Number(costs[1]) < settings.memoryKib || Number(costs[2]) < settings.passes;
    },
  };
}
