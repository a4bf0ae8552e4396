import { type ConfigSource, integer } from "../kit/config.js";
import type { FailureLimits } from "./domain/sign-in-keys.js";

/** How accounts are kept. */
export interface AccountsConfig {
  readonly failures: FailureLimits;
}

const settings = {
  AUTH_ACCOUNT_FAILURES: integer(1, 1000, { fallback: 5 }),
  AUTH_ADDRESS_FAILURES: integer(1, 100_000, { fallback: 20 }),
};

/** Reads how accounts are kept. */
export function readAccountsConfig(source: ConfigSource): AccountsConfig {
  const values = source.read(settings);
  return {
    failures: { perAccount: values.AUTH_ACCOUNT_FAILURES, perAddress: values.AUTH_ADDRESS_FAILURES },
  };
}
