import type { Replica } from "./lab.js";

/** Replicas have data of their own, so each is the only one as far as its stores go. */
export const alone = { DEPLOYMENT: "single" };

/** Passwords that take long to check, one after the other, so that a deadline can pass meanwhile. */
const slowPasswords = {
  AUTH_ARGON2_MEMORY_KIB: "196608",
  AUTH_ARGON2_PASSES: "10",
  AUTH_PASSWORD_CHECKS: "1",
};

/** What the lab runs: two replicas of the engine, since that is what tests take away. */
export const baseReplicas: readonly Replica[] = [
  { deployment: "ingress" },
  { deployment: "gateway", environment: alone },
  { deployment: "engine", environment: alone },
  { deployment: "engine", environment: alone },
  { deployment: "agents", environment: alone },
  { deployment: "auth", environment: { ...alone, ...slowPasswords } },
];
