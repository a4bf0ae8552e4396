import { randomBytes } from "node:crypto";
import { ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errorFacts, errors } from "../../kit/errors.js";
import { ownAccount, proveOwner } from "../domain/prove-owner.js";
import { hashRecoveryCode, newRecoveryCodes } from "../domain/recovery-codes.js";
import { type SecondFactor, takeCode } from "../domain/second-factor.js";
import { base32, otpauthUri, secretBytes, stepOfCode } from "../domain/totp.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof AccountsService>;

/** As authenticator apps show it. */
const issuer = "Consciousness Engine";

/** Handles SetUpSecondFactor. */
export function setUpSecondFactor(parts: AuthParts): Handlers["setUpSecondFactor"] {
  const { store, secrets } = parts;
  return async ({ password, mode }, context) => {
    const { account } = await proveOwner(parts, password, context);
    const secret = randomBytes(secretBytes);
    const sealedSecret = secrets.sealSecret(secret, account.id);
    const begun = await store.secondFactors.begin(account, { sealedSecret, mode }, callOf(context));
    if (!begun) throw errors.secondFactorSetUp();
    return { secret: base32(secret), otpauthUri: otpauthUri(secret, issuer, account.username) };
  };
}

/** Handles ConfirmSecondFactor. */
export function confirmSecondFactor(parts: AuthParts): Handlers["confirmSecondFactor"] {
  const { store, secrets } = parts;
  return async (request, context) => {
    const { account, keys } = await ownAccount(parts, context);
    const call = callOf(context);
    const { session } = principalOf(context);
    const codes = newRecoveryCodes();
    const handled = { method: AccountsService.method.confirmSecondFactor, request, context };
    const enabling = store.accountSecurity.change(handled, async (trx) => {
      const factor = await store.secondFactors.load(account, trx);
      const { sealedSecret, step } = shownStep(parts, account.id, factor, request.code);
      const change = { sealedSecret, step, codeHashes: codes.map(hashRecoveryCode), call, session };
      // Somebody has begun anew meanwhile, so the code is of a secret that is gone.
      if (!(await store.secondFactors.enable(trx, account, change))) throw errors.secondFactorInvalid();
      await store.familiarClients.remember(trx, account.id, secrets.marksOf(account.id, call.client));
      return { recoveryCodes: codes };
    });
    return enabling.catch(async (error) => {
      const reason = error instanceof ConnectError && errorFacts(error)?.reason;
      if (reason === "SECOND_FACTOR_INVALID") await store.signInFailures.add(keys);
      throw error;
    });
  };
}

/** The step whose code shows that the owner has the secret that waits to be confirmed. */
function shownStep(
  { secrets, clock }: AuthParts,
  user: string,
  factor: SecondFactor | undefined,
  code: string,
) {
  if (!factor) throw errors.secondFactorNotSetUp();
  if (factor.confirmed) throw errors.secondFactorSetUp();
  const { sealedSecret } = factor;
  const step = stepOfCode(secrets.openSecret(sealedSecret, user), code, clock.now());
  if (step === undefined) throw errors.secondFactorInvalid();
  return { sealedSecret, step };
}

/** Handles RemoveSecondFactor. */
export function removeSecondFactor(parts: AuthParts): Handlers["removeSecondFactor"] {
  const { store } = parts;
  return async ({ password, code }, context) => {
    const { account, keys } = await proveOwner(parts, password, context);
    const call = callOf(context);
    const factor = await store.secondFactors.load(account);
    if (!factor?.confirmed) return {};
    if (!(await takeCode(parts, { owner: account, factor, code, call }))) {
      await store.signInFailures.add(keys);
      throw errors.secondFactorInvalid();
    }
    await store.secondFactors.remove(account, call, principalOf(context).session);
    return {};
  };
}
