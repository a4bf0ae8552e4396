import { ConnectError } from "@connectrpc/connect";
import { callOf } from "../context.js";
import { errorFacts, errors } from "../errors.js";
import { apiKeyHeader, apiKeyMark, readApiKey } from "../tokens/api-key.js";
import type { Redeemable, Redeemed, Redeemer } from "../tokens/redeemer.js";
import { arrivalKey } from "./arrival.js";
import type { Layer } from "./chain.js";
import { answerOf, type Next, type Request } from "./next.js";

/** What exchanges a kind of credential for access tokens. */
export interface RedeemOptions {
  readonly redeemer: Redeemer;
  /** Asks auth for the token of a credential: of an API key, or of a certificate's SPIFFE id. */
  readonly redeem: (credential: string) => Promise<Redeemed>;
}

const bearerKey = new RegExp(`^Bearer (${apiKeyMark}.*)$`, "i");

/**
 * Exchanges the API key that a caller sends, as `authorization: Bearer cek_…` or
 * as `x-api-key`, for the access token with which the call goes on. Throws
 * CREDENTIALS_AMBIGUOUS for both headers at once, and API_KEY_INVALID.
 */
export function redeemApiKeys({ redeemer, redeem }: RedeemOptions): Layer {
  const replace = replacing(redeemer);
  return ({ access }) => {
    if (access.kind === "public") return undefined;
    return (next) => (request) => {
      const key = keyOf(request.header);
      if (key === undefined) return next(request);
      const known = readApiKey(key);
      if (!known) throw errors.apiKeyInvalid();
      const id = Buffer.from(known.hash).toString("base64");
      const address = request.contextValues.get(arrivalKey)?.clientAddress ?? "";
      return replace({ next, request, address, id, redeem: () => redeem(key) }, () => {
        throw errors.apiKeyInvalid();
      });
    };
  };
}

/**
 * Takes the client certificate of a caller that sends no other credential for
 * that of a service account, where it is one.
 */
export function redeemCertificates({ redeemer, redeem }: RedeemOptions): Layer {
  const replace = replacing(redeemer);
  return ({ access }) => {
    if (access.kind === "public") return undefined;
    return (next) => (request) => {
      const id = request.contextValues.get(arrivalKey)?.clientIdentity;
      const other =
        request.header.has("authorization") || callOf({ values: request.contextValues }).principal;
      if (id === undefined || other) return next(request);
      return replace({ next, request, address: undefined, id, redeem: () => redeem(id) }, () =>
        next(request),
      );
    };
  };
}

function keyOf(header: Headers): string | undefined {
  const authorization = header.get("authorization");
  const key = header.get(apiKeyHeader);
  if (key === null) return bearerKey.exec(authorization ?? "")?.[1];
  if (authorization !== null) {
    throw errors.credentialsAmbiguous({ first: "authorization", second: apiKeyHeader });
  }
  header.delete(apiKeyHeader);
  return key;
}

interface Replacement extends Redeemable {
  readonly next: Next;
  readonly request: Request;
  readonly address: string | undefined;
}

/** Goes on with a credential's token, and once more with a new one where that has been revoked. */
function replacing(redeemer: Redeemer) {
  const bear = async (call: Replacement): Promise<boolean> => {
    const token = await redeemer.tokenOf(call, call.address);
    if (token !== undefined) call.request.header.set("authorization", `Bearer ${token}`);
    return token !== undefined;
  };
  return async (call: Replacement, refused: () => ReturnType<Next>): ReturnType<Next> => {
    const { next, request } = call;
    if (!(await bear(call))) return refused();
    try {
      return await answerOf(next, request);
    } catch (error) {
      if (!isRevoked(error) || callOf({ values: request.contextValues }).principal) throw error;
      // What the account may do has changed, and with it the tokens, but perhaps not the key.
      redeemer.forget(call.id);
      if (await bear(call)) return next(request);
      request.header.delete("authorization");
      return refused();
    }
  };
}

function isRevoked(error: unknown): boolean {
  return error instanceof ConnectError && errorFacts(error)?.reason === "TOKEN_REVOKED";
}
