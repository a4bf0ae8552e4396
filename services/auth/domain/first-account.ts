import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Clock } from "../../kit/clock.js";
import { ConfigError } from "../../kit/config.js";
import { newId } from "../../kit/ids.js";
import { privateFile } from "../../kit/sealing/private-file.js";
import type { AccountStore } from "../store/accounts.js";
import { defaultTenant, type NewAccount } from "./account.js";
import { judgePassword, shortestPassword } from "./password-policy.js";
import type { Passwords } from "./passwords.js";

const username = "admin";
const generatedBytes = 18;

interface Options {
  readonly accounts: AccountStore;
  readonly passwords: Passwords;
  readonly clock: Clock;
  /** What to use instead of a generated password. */
  readonly password: string | undefined;
  readonly production: boolean;
  readonly terminal: boolean;
  readonly dataDirectory: string;
}

/**
 * Makes `admin` when there is no account yet, and returns the lines that tell
 * its generated password, or where that is. Throws `ConfigError` for a password
 * that is easy to guess, and in production without a configured one, since
 * nobody would read a generated one.
 */
export async function ensureFirstAccount(options: Options): Promise<string[]> {
  const { accounts, passwords, clock } = options;
  if (!(await accounts.isEmpty())) return [];
  const { password, announcements } = await firstPassword(options);
  if ((await judgePassword(password, { username, email: "" })) !== undefined) {
    const expected = `${shortestPassword} or more characters that are not easy to guess`;
    throw new ConfigError([{ name: "ADMIN_PASSWORD", value: "(hidden)", expected }]);
  }
  const account = firstAccount(await passwords.hash(password), new Date(clock.now()));
  const added = await accounts.add(account, { requestId: newId(), principal: undefined });
  return added ? announcements : [];
}

function firstAccount(passwordHash: string, createTime: Date): NewAccount {
  return {
    id: newId(),
    tenant: defaultTenant,
    username,
    email: "",
    passwordHash,
    roles: [Role.ADMIN, Role.SUPER_ADMIN],
    tier: Tier.ENTERPRISE,
    active: true,
    epoch: 0,
    createTime,
    lastLoginTime: undefined,
  };
}

interface FirstPassword {
  readonly password: string;
  readonly announcements: string[];
}

async function firstPassword({
  password,
  production,
  terminal,
  dataDirectory,
}: Options): Promise<FirstPassword> {
  if (password !== undefined) return { password, announcements: [] };
  if (production) {
    const expected = "the first account's password, which production does not generate";
    throw new ConfigError([{ name: "ADMIN_PASSWORD", value: "", expected }]);
  }
  if (terminal) {
    const shown = generatePassword();
    return { password: shown, announcements: [`User ${username}, password ${shown} (shown this once)`] };
  }
  // Written before the account is made, and taken up again after a crash in between.
  const path = join(dataDirectory, "admin-password");
  const written = await privateFile(path, () => `${generatePassword()}\n`);
  if (written.trim().length < shortestPassword) {
    const expected = `${shortestPassword} or more characters in ${path}, or the setting itself`;
    throw new ConfigError([{ name: "ADMIN_PASSWORD", value: "(hidden)", expected }]);
  }
  return { password: written.trim(), announcements: [`User ${username}, password in ${path}`] };
}

function generatePassword(): string {
  return randomBytes(generatedBytes).toString("base64url");
}
