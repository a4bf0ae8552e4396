/** What is known of a refresh token that somebody presents. */
export interface PresentedToken {
  readonly expireTime: Date;
  readonly usedTime: Date | undefined;
  readonly sessionEnded: boolean;
  readonly account: { readonly active: boolean };
}

/** Why a refresh token is not exchanged. */
export type RefreshRefusal = "invalid" | "reused" | "disabled";

/** What to do with a presented refresh token. */
export type RefreshJudgement<T extends PresentedToken> =
  | { readonly outcome: "rotate" | "reused"; readonly token: T }
  | { readonly outcome: "invalid" | "disabled" };

/**
 * Judges a presented refresh token at a time in milliseconds of the epoch. One
 * that was used before means that two hold it, whoever is the thief, so it
 * counts more than its expiry (RFC 9700, section 4.14.2).
 */
export function judgeRefresh<T extends PresentedToken>(
  token: T | undefined,
  now: number,
): RefreshJudgement<T> {
  if (!token || token.sessionEnded) return { outcome: "invalid" };
  if (token.usedTime) return { outcome: "reused", token };
  if (token.expireTime.getTime() <= now) return { outcome: "invalid" };
  return token.account.active ? { outcome: "rotate", token } : { outcome: "disabled" };
}
