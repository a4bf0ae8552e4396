import { type ConfigSource, integer, oneOf, optionalText } from "../kit/config.js";
import { readKeyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { tokenIssuer } from "../kit/tokens/issuer.js";
import { signingAlgorithms } from "../kit/tokens/key-ring.js";
import { type AccountsConfig, readAccountsConfig } from "./accounts-config.js";
import type { RotationSettings } from "./domain/key-rotation.js";
import { longestPassword, shortestPassword } from "./domain/password-policy.js";
import type { PasswordSettings } from "./domain/passwords.js";

/** Longest that an access token may be configured to live, in seconds. */
export const longestAccessLifetime = 86_400;

/** Setting of the key that seals the signing keys. */
export const keyEncryptionKeySetting = "AUTH_KEY_ENCRYPTION_KEY";

const dayMs = 86_400_000;

/** How auth behaves. */
export interface AuthConfig {
  /** Password of the first account; generated when absent. */
  readonly adminPassword: string | undefined;
  readonly lifetimes: TokenLifetimes;
  readonly passwords: PasswordSettings;
  readonly apiKeys: ApiKeySettings;
  readonly accounts: AccountsConfig;
  /** 32 bytes that seal the signing keys; kept in a file of the data directory when absent. */
  readonly keyEncryptionKey: Uint8Array | undefined;
  /** How the keys that sign tokens are made and rotated. */
  readonly signing: RotationSettings;
  /** `iss` of the tokens. */
  readonly tokenIssuer: string;
  readonly production: boolean;
  /** Whether a person reads what the process announces. */
  readonly terminal: boolean;
}

/** How long tokens live, in seconds. */
export interface TokenLifetimes {
  readonly access: number;
  readonly refresh: number;
}

/** Bounds of API keys. */
export interface ApiKeySettings {
  /** How many an account may have. */
  readonly perAccount: number;
  /** How long one may work, in days. */
  readonly longestDays: number;
}

const settings = {
  ADMIN_PASSWORD: optionalText({ secret: true }),
  AUTH_ACCESS_TTL: integer(60, longestAccessLifetime, { fallback: 900 }),
  AUTH_REFRESH_TTL: integer(300, 7_776_000, { fallback: 604_800 }),
  AUTH_PASSWORD_CHECKS: integer(1, 64, { fallback: 2 }),
  AUTH_PASSWORD_QUEUE: integer(0, 10_000, { fallback: 64 }),
  AUTH_ARGON2_MEMORY_KIB: integer(19_456, 1_048_576, { fallback: 19_456 }),
  AUTH_ARGON2_PASSES: integer(2, 10, { fallback: 2 }),
  AUTH_API_KEYS_PER_ACCOUNT: integer(1, 1000, { fallback: 20 }),
  AUTH_API_KEY_DAYS: integer(1, 3650, { fallback: 365 }),
  AUTH_SIGNING_ALGORITHM: oneOf(signingAlgorithms, { fallback: "RS256" }),
  AUTH_KEY_ROTATION_DAYS: integer(1, 365, { fallback: 30 }),
  TOKEN_ISSUER: tokenIssuer(),
  ENVIRONMENT: oneOf(["development", "staging", "production"], { fallback: "development" }),
};

/** Reads auth's configuration. */
export function readConfig(source: ConfigSource): AuthConfig {
  const values = source.read(settings);
  refuseWrongPassword(source, values.ADMIN_PASSWORD);
  return {
    adminPassword: values.ADMIN_PASSWORD,
    lifetimes: { access: values.AUTH_ACCESS_TTL, refresh: values.AUTH_REFRESH_TTL },
    passwords: {
      concurrency: values.AUTH_PASSWORD_CHECKS,
      waiting: values.AUTH_PASSWORD_QUEUE,
      memoryKib: values.AUTH_ARGON2_MEMORY_KIB,
      passes: values.AUTH_ARGON2_PASSES,
    },
    apiKeys: { perAccount: values.AUTH_API_KEYS_PER_ACCOUNT, longestDays: values.AUTH_API_KEY_DAYS },
    accounts: readAccountsConfig(source),
    keyEncryptionKey: readKeyEncryptionKey(source, keyEncryptionKeySetting),
    signing: {
      algorithm: values.AUTH_SIGNING_ALGORITHM,
      periodMs: values.AUTH_KEY_ROTATION_DAYS * dayMs,
    },
    tokenIssuer: values.TOKEN_ISSUER,
    production: values.ENVIRONMENT === "production",
    terminal: process.stdout.isTTY === true,
  };
}

function refuseWrongPassword(source: ConfigSource, password: string | undefined): void {
  const length = password === undefined ? shortestPassword : [...password].length;
  if (length >= shortestPassword && length <= longestPassword) return;
  const expected = `${shortestPassword} to ${longestPassword} characters`;
  source.refuse({ name: "ADMIN_PASSWORD", value: "(hidden)", expected });
}
