import type { Replica } from "./lab.js";

/** Passwords that take some tenths of a second to check, one after the other, so that a deadline can pass meanwhile. */
const slowPasswords = {
  AUTH_ARGON2_MEMORY_KIB: "98304",
  AUTH_ARGON2_PASSES: "8",
  AUTH_PASSWORD_CHECKS: "1",
};

/** What the lab runs: two replicas of the engine, since that is what tests take away. */
export const baseReplicas: readonly Replica[] = [
  { deployment: "ingress" },
  { deployment: "gateway" },
  { deployment: "engine" },
  { deployment: "engine" },
  { deployment: "agents" },
  { deployment: "auth", environment: slowPasswords },
];
