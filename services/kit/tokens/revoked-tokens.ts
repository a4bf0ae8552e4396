import type { Revocation } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Clock } from "../clock.js";
import type { Principal } from "../context.js";
import { leewaySeconds } from "./checked-jwt.js";

/** What is known of revoked tokens: grows by what auth tells and shrinks as those tokens expire. */
export interface RevokedTokens {
  /** Changes whenever a token that was none before may be revoked. */
  readonly generation: number;
  /** Takes in entries, which may be known already. */
  add(revocations: readonly Revocation[]): void;
  /** Whether the token of a principal, issued at a second of the epoch, is revoked. */
  has(principal: Principal, issuedAt: number): boolean;
  /** Entries that are kept. */
  readonly size: number;
}

/** How often expired entries are looked for. */
const sweepMs = 60_000;

interface Entry {
  readonly epoch: number;
  /** Second of the epoch. */
  readonly time: number;
  /** By the monotonic clock. */
  readonly forgetAt: number;
}

/** Makes an empty set. */
export function createRevokedTokens(clock: Clock): RevokedTokens {
  const entries = new Map<string, Entry>();
  const seen = new Map<bigint, number>();
  let generation = 0;
  let sweptAt = clock.monotonic();

  const sweep = () => {
    const now = clock.monotonic();
    if (now - sweptAt < sweepMs) return;
    sweptAt = now;
    for (const [key, { forgetAt }] of entries) if (forgetAt <= now) entries.delete(key);
    for (const [position, forgetAt] of seen) if (forgetAt <= now) seen.delete(position);
  };

  const take = (revocation: Revocation) => {
    const { position, expiresIn, epoch } = revocation;
    if (seen.has(position)) return;
    const forgetAt = clock.monotonic() + expiresIn * 1000;
    seen.set(position, forgetAt);
    const key = keyOf(revocation);
    if (key === undefined) return;
    const former = entries.get(key);
    if (!former || former.epoch <= epoch)
      entries.set(key, { epoch, time: Number(revocation.time), forgetAt });
    generation += 1;
  };

  return {
    get generation() {
      return generation;
    },
    get size() {
      return Math.max(entries.size, seen.size);
    },
    add(revocations) {
      sweep();
      for (const revocation of revocations) take(revocation);
    },
    has({ session, apiKey, subject, home, epoch }, issuedAt) {
      if (session !== "" && entries.has(`session ${session}`)) return true;
      if (apiKey !== "" && entries.has(`key ${apiKey}`)) return true;
      const account = entries.get(`account ${home} ${subject}`);
      if (account && epoch < account.epoch) return true;
      const tenant = entries.get(`tenant ${home}`);
      // An account that was made later begins with a low epoch too.
      return tenant !== undefined && epoch < tenant.epoch && issuedAt <= tenant.time + leewaySeconds;
    },
  };
}

function keyOf({ tenantId, target }: Revocation): string | undefined {
  switch (target.case) {
    case "sessionId":
      return `session ${target.value}`;
    case "apiKeyId":
      return `key ${target.value}`;
    case "accountId":
      return `account ${tenantId} ${target.value}`;
    case "tenant":
      return `tenant ${tenantId}`;
    default:
      return undefined;
  }
}
