/** What is known of a refresh token that somebody presents. */
export interface PresentedToken {
  readonly expireTime: Date;
  readonly usedTime: Date | undefined;
  readonly sessionEnded: boolean;
  /** Whether the token that replaced it was never used. */
  readonly successorUnused: boolean;
  readonly account: { readonly active: boolean };
}

/** Why a refresh token is not exchanged. */
export type RefreshRefusal = "invalid" | "reused" | "disabled";

/** What to do with a presented refresh token. */
export type RefreshJudgement<T extends PresentedToken> =
  | { readonly outcome: "rotate" | "repeat" | "reused"; readonly token: T }
  | { readonly outcome: "invalid" | "disabled" };

/** How long a token that was used answers with its successor again, in milliseconds: for two tabs at once. */
export const graceMs = 10_000;

/**
 * Judges a presented refresh token at a time in milliseconds of the epoch. One
 * that was used before means that two hold it, whoever is the thief, so it
 * counts more than its expiry (RFC 9700, section 4.14.2), unless two tabs of
 * one browser were about to use it: then both get the same successor.
 */
export function judgeRefresh<T extends PresentedToken>(
  token: T | undefined,
  now: number,
): RefreshJudgement<T> {
  if (!token || token.sessionEnded) return { outcome: "invalid" };
  if (token.usedTime) return judgeRepetition(token, token.usedTime.getTime(), now);
  if (token.expireTime.getTime() <= now) return { outcome: "invalid" };
  return token.account.active ? { outcome: "rotate", token } : { outcome: "disabled" };
}

function judgeRepetition<T extends PresentedToken>(
  token: T,
  usedAt: number,
  now: number,
): RefreshJudgement<T> {
  if (!token.successorUnused || now >= usedAt + graceMs) return { outcome: "reused", token };
  return token.account.active ? { outcome: "repeat", token } : { outcome: "disabled" };
}
