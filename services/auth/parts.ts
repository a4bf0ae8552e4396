import type { Clock } from "../kit/clock.js";
import type { TokenLifetimes } from "./config.js";
import type { ExchangeVerifiers } from "./domain/exchange-verifiers.js";
import type { Passwords } from "./domain/passwords.js";
import type { TokenIssuer } from "./domain/token-issuer.js";
import type { AuthStore } from "./store.js";

/** What auth's handlers work with. */
export interface AuthParts {
  readonly store: AuthStore;
  readonly passwords: Passwords;
  readonly issuer: TokenIssuer;
  readonly verifiers: ExchangeVerifiers;
  readonly lifetimes: TokenLifetimes;
  readonly clock: Clock;
}
