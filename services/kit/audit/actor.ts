import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { SubjectKind } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import type { Principal } from "../context.js";
import { principalFromClaims } from "../tokens/claims.js";

/** Who did something, as an audit event says it. */
export interface Actor {
  readonly kind: SubjectKind;
  readonly subject: string;
  readonly tenantId: string;
  readonly homeTenantId: string;
  readonly sessionId: string;
  readonly apiKeyId: string;
}

const kinds: Readonly<Record<Principal["kind"], SubjectKind>> = {
  user: SubjectKind.USER,
  machine: SubjectKind.MACHINE,
  workload: SubjectKind.WORKLOAD,
};

const signedInKey = createContextKey<Actor | undefined>(undefined, { description: "who has signed in" });

/** The principal of a call as an actor. */
export function actorOf({ kind, subject, tenant, home, session, apiKey }: Principal): Actor {
  return {
    kind: kinds[kind],
    subject,
    tenantId: tenant,
    homeTenantId: home,
    sessionId: session,
    apiKeyId: apiKey,
  };
}

/**
 * Notes whose access token a call has answered, for a handler that gives the
 * token to its client in another way than in the answer.
 */
export function noteSignedIn(values: ContextValues, accessToken: string): void {
  values.set(signedInKey, bearerOf(accessToken));
}

/**
 * Who signed in by a call, by the access token of its answer: `tokens.access_token`,
 * `access_token`, or that of OAuth's JSON in a body `token`.
 */
export function signedInBy(answer: unknown, values: ContextValues): Actor | undefined {
  const { accessToken, tokens, token } = answer as Answer;
  const issued = tokens?.accessToken || accessToken || (token?.data && accessTokenIn(token.data));
  return issued ? bearerOf(issued) : values.get(signedInKey);
}

interface Answer {
  readonly accessToken?: string;
  readonly tokens?: { readonly accessToken?: string };
  readonly token?: { readonly data?: Uint8Array };
}

function accessTokenIn(body: Uint8Array): string | undefined {
  try {
    const { access_token: token } = JSON.parse(Buffer.from(body).toString()) as { access_token?: unknown };
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined;
  }
}

/** The token came from auth just now, so that its signature is not verified again. */
function bearerOf(token: string): Actor | undefined {
  try {
    const principal = principalFromClaims(decodeJwt(token));
    return principal && actorOf(principal);
  } catch {
    return undefined;
  }
}
