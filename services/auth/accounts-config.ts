import { type ConfigSource, flag, integer } from "../kit/config.js";
import type { FailureLimits } from "./domain/sign-in-keys.js";
import { type MailConfig, readMailConfig } from "./mail/config.js";

/** How accounts are kept. */
export interface AccountsConfig {
  readonly failures: FailureLimits;
  /** Whether the default tenant takes everybody in, whatever is stored of it. */
  readonly openRegistration: boolean;
  /** Undefined where no mail is sent. */
  readonly mail: MailConfig | undefined;
}

const settings = {
  AUTH_OPEN_REGISTRATION: flag({ fallback: false }),
  AUTH_ACCOUNT_FAILURES: integer(1, 1000, { fallback: 5 }),
  AUTH_ADDRESS_FAILURES: integer(1, 100_000, { fallback: 20 }),
};

/** Reads how accounts are kept. */
export function readAccountsConfig(source: ConfigSource): AccountsConfig {
  const values = source.read(settings);
  return {
    failures: { perAccount: values.AUTH_ACCOUNT_FAILURES, perAddress: values.AUTH_ADDRESS_FAILURES },
    openRegistration: values.AUTH_OPEN_REGISTRATION,
    mail: readMailConfig(source),
  };
}
