import { SecondFactorMode } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import type { Call } from "../../kit/context.js";
import type { AuthParts } from "../parts.js";
import { hashRecoveryCode } from "./recovery-codes.js";
import { stepOfCode } from "./totp.js";

/** A second factor as stored. */
export interface SecondFactor {
  /** The secret, sealed for its account. */
  readonly sealedSecret: Uint8Array;
  readonly mode: SecondFactorMode;
  /** Whether it is asked for. */
  readonly confirmed: boolean;
}

/** The account whose second factor is meant. */
export interface Owner {
  readonly tenant: string;
  readonly id: string;
}

/** What is remembered of a client: hashes of its network and its program, each absent when unknown. */
export interface ClientMarks {
  readonly network: Uint8Array | undefined;
  readonly agent: Uint8Array | undefined;
}

/** Which of a client's marks an account has seen. */
export interface Familiarity {
  readonly network: boolean;
  readonly agent: boolean;
}

/** Whether the second factor is asked for at a sign-in. */
export function isAsked({ mode, confirmed }: SecondFactor, seen: Familiarity): boolean {
  if (!confirmed) return false;
  return mode !== SecondFactorMode.UNFAMILIAR_ONLY || !(seen.network || seen.agent);
}

/** Takes a code of an account's second factor, or a recovery code in its place; false when it is not valid. */
export async function takeCode(
  { store, secrets, clock }: Pick<AuthParts, "store" | "secrets" | "clock">,
  { owner, factor, code, call }: { owner: Owner; factor: SecondFactor; code: string; call: Call },
): Promise<boolean> {
  if (!/^[0-9]{6}$/.test(code)) {
    return store.secondFactors.takeRecoveryCode(owner, hashRecoveryCode(code), call);
  }
  const secret = secrets.openSecret(factor.sealedSecret, owner.id);
  const step = stepOfCode(secret, code, clock.now());
  return step !== undefined && (await store.secondFactors.takeStep(owner, step));
}
