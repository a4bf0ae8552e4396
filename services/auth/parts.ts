import type { Clock } from "../kit/clock.js";
import type { ApiKeySettings, TokenLifetimes } from "./config.js";
import type { AccountSecrets } from "./domain/account-secrets.js";
import type { Passwords } from "./domain/passwords.js";
import type { Successor } from "./domain/refresh-token.js";
import type { VerifySubject } from "./domain/subject-tokens.js";
import type { TokenIssuer } from "./domain/token-issuer.js";
import type { Post } from "./mail/post.js";
import type { AuthStore } from "./store.js";

/** What auth's handlers work with. */
export interface AuthParts {
  readonly store: AuthStore;
  readonly passwords: Passwords;
  readonly secrets: AccountSecrets;
  readonly post: Post;
  /** Base URL of the pages that take tokens; absent where people paste them. */
  readonly mailLink: string | undefined;
  /** Whether the default tenant takes everybody in, whatever is stored of it. */
  readonly openRegistration: boolean;
  readonly issuer: TokenIssuer;
  /** What replaces a refresh token. */
  readonly successor: Successor;
  readonly verifySubject: VerifySubject;
  readonly lifetimes: TokenLifetimes;
  readonly apiKeys: ApiKeySettings;
  readonly clock: Clock;
}
