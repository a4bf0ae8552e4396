import type {
  ListRevocationsRequest,
  ListRevocationsResponse,
} from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Clock } from "../clock.js";
import type { Principal } from "../context.js";
import { errors, withRetryInfo } from "../errors.js";
import { createRevokedTokens } from "./revoked-tokens.js";

/** How old what is known may be when a token is accepted by it, in milliseconds. */
const maximumAgeMs = 1000;
/** How old it gets while tokens come, in milliseconds. */
const pollIntervalMs = 250;
/** How long it is kept up to date after the last token, in milliseconds. */
const idleAfterMs = 10_000;
/** How long after a failed poll the next one may begin, in milliseconds. */
const retryMs = 100;

/** Asks auth for a page of revocations. */
export type ListRevocations = (
  request: Pick<ListRevocationsRequest, "since" | "afterPosition">,
) => Promise<ListRevocationsResponse>;

/** Knows which tokens have been revoked, and for how long it has known nothing. */
export interface RevocationFeed {
  /** Changes whenever a token that was none before may be revoked. */
  readonly generation: number;
  /**
   * Undefined when what is known is less than a second old. Else it asks auth,
   * and rejects with DEPENDENCY_UNAVAILABLE when that fails.
   */
  ensureFresh(): Promise<void> | undefined;
  /** Whether the token of a principal, issued at a second of the epoch, is revoked. */
  isRevoked(principal: Principal, issuedAt: number): boolean;
}

/** What a feed is made of. */
export interface FeedOptions {
  readonly list: ListRevocations;
  readonly clock: Clock;
  /** Calls `run` later, without keeping the process alive for it. */
  readonly schedule?: (ms: number, run: () => void) => void;
}

/**
 * Follows auth's revocations while tokens come: every 250 ms then, and not at
 * all while nobody calls. The age of what is known counts from when the poll
 * was sent, as what was revoked later may be missing in it; a poll that was
 * sent after a token came is good for it however long it took, so that a
 * process that was not given the processor refuses nobody for that.
 */
export function createRevocationFeed({ list, clock, schedule = later }: FeedOptions): RevocationFeed {
  const tokens = createRevokedTokens(clock);
  let since = 0n;
  let knownAt = Number.NEGATIVE_INFINITY;
  let usedAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let polling: Promise<void> | undefined;
  let scheduled = false;

  const readAll = async () => {
    let afterPosition = 0n;
    let nextSince: bigint | undefined;
    for (;;) {
      const page = await list({ since, afterPosition });
      nextSince ??= page.nextSince;
      tokens.add(page.revocations);
      const last = page.revocations.at(-1);
      if (!page.more || !last) break;
      afterPosition = last.position;
    }
    since = nextSince;
  };

  const keepUp = () => {
    if (scheduled || clock.monotonic() - usedAt > idleAfterMs) return;
    scheduled = true;
    schedule(pollIntervalMs, () => {
      scheduled = false;
      if (clock.monotonic() - knownAt >= pollIntervalMs) void poll().catch(() => undefined);
      else keepUp();
    });
  };

  const poll = (): Promise<void> => {
    const sentAt = clock.monotonic();
    polling ??= readAll()
      .then(
        () => {
          knownAt = sentAt;
        },
        (error: unknown) => {
          failure = error;
          failedAt = clock.monotonic();
          throw unavailable(error);
        },
      )
      .finally(() => {
        polling = undefined;
        keepUp();
      });
    return polling;
  };

  const catchUp = async (arrivedAt: number) => {
    // Its failure is the next one's reason, if there is one.
    await polling?.catch(() => undefined);
    if (arrivedAt - knownAt < maximumAgeMs) return;
    if (clock.monotonic() - failedAt < retryMs) throw unavailable(failure);
    await poll();
  };

  return {
    get generation() {
      return tokens.generation;
    },
    ensureFresh() {
      usedAt = clock.monotonic();
      if (usedAt - knownAt < maximumAgeMs) {
        keepUp();
        return undefined;
      }
      return catchUp(usedAt);
    },
    isRevoked: (principal, issuedAt) => tokens.has(principal, issuedAt),
  };
}

function unavailable(cause: unknown) {
  return withRetryInfo(errors.dependencyUnavailable({ dependency: "auth" }, cause), maximumAgeMs);
}

function later(ms: number, run: () => void): void {
  setTimeout(run, ms).unref();
}
