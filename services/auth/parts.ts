import type { Clock } from "../kit/clock.js";
import type { ApiKeySettings, TokenLifetimes } from "./config.js";
import type { Passwords } from "./domain/passwords.js";
import type { Successor } from "./domain/refresh-token.js";
import type { SignInKeys } from "./domain/sign-in-keys.js";
import type { VerifySubject } from "./domain/subject-tokens.js";
import type { TokenIssuer } from "./domain/token-issuer.js";
import type { AuthStore } from "./store.js";

/** What auth's handlers work with. */
export interface AuthParts {
  readonly store: AuthStore;
  readonly passwords: Passwords;
  /** What failed sign-ins are counted by. */
  readonly signInKeys: SignInKeys;
  readonly issuer: TokenIssuer;
  /** What replaces a refresh token. */
  readonly successor: Successor;
  readonly verifySubject: VerifySubject;
  readonly lifetimes: TokenLifetimes;
  readonly apiKeys: ApiKeySettings;
  readonly clock: Clock;
}
