import type { Replica } from "./lab.js";

/**
 * Passwords that take some tenths of a second to check, one after the other, so
 * that a deadline can pass meanwhile; and patience with all the sign-ins that fail by it.
 */
const slowPasswords = {
  AUTH_ARGON2_MEMORY_KIB: "98304",
  AUTH_ARGON2_PASSES: "8",
  AUTH_PASSWORD_CHECKS: "1",
  AUTH_ACCOUNT_FAILURES: "1000",
  AUTH_ADDRESS_FAILURES: "100000",
};

/** What the lab runs: two replicas of the engine, since that is what tests take away. */
export const baseReplicas: readonly Replica[] = [
  { deployment: "ingress" },
  { deployment: "gateway" },
  { deployment: "engine" },
  { deployment: "engine" },
  { deployment: "agents" },
  { deployment: "analytics" },
  { deployment: "auth", environment: slowPasswords },
];
