import type { DescField, DescMethod, JsonObject } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { apiKeyHeader } from "../../kit/tokens/api-key.js";
import { cacheControlOf, holdsSecret, noStore } from "../edge/cache-control.js";
import { csrfHeader, sessionCookie } from "../edge/session-names.js";
import { etagPath } from "../transcode/precondition.js";
import type { Route } from "../transcode/route.js";
import type { PolicyFacts } from "./catalogue.js";

/** What HTTP itself makes of a route: conditions, caches and sessions. */
export interface HttpSemantics {
  readonly parameters: readonly JsonObject[];
  /** Of its success. */
  readonly headers: JsonObject;
  /** Answers that are neither its success nor an error. */
  readonly responses: ReadonlyMap<number, JsonObject>;
  readonly security: JsonObject[];
}

/** Describes what the edge does with a route beside its call. */
export function httpSemantics(
  route: Route,
  policy: PolicyFacts,
  isSecret: (field: DescField) => boolean,
): HttpSemantics {
  const control = cacheControl(route, policy, isSecret);
  const kept = !control.startsWith(noStore);
  const headers = {
    "Cache-Control": { description: "Who may keep the answer.", schema: { const: control } },
    ...(kept && { ETag: { $ref: "#/components/headers/ETag" } }),
  };
  return {
    parameters: [
      ...(kept ? [{ $ref: "#/components/parameters/IfNoneMatch" }] : []),
      ...(!isRead(route) && etagPath(route) ? [{ $ref: "#/components/parameters/IfMatch" }] : []),
    ],
    headers,
    responses: new Map(kept ? [[304, { description: "The client has what it asks for.", headers }]] : []),
    security: securityOf(route.method, policy),
  };
}

/** Reasons with which the edge refuses a route by what HTTP says. */
export function httpReasons(route: Route, { access }: PolicyFacts): string[] {
  return [
    ...(isRead(route) ? [] : ["PRECONDITION_FAILED"]),
    ...(access === "public" ? [] : ["ORIGIN_NOT_ALLOWED"]),
    ...(access === "public" || !changes(route.method) ? [] : ["CSRF_TOKEN_INVALID"]),
  ];
}

function cacheControl(route: Route, policy: PolicyFacts, isSecret: (field: DescField) => boolean): string {
  const { method } = route;
  return cacheControlOf({
    secret: holdsSecret(method.output, isSecret),
    lasting: isRead(route) && !changes(method) && method.methodKind === "unary" && policy.transient !== true,
    public: policy.access === "public",
    maxAgeSeconds: policy.maxAgeSeconds,
  });
}

function securityOf(method: DescMethod, { access, sessionOnly }: PolicyFacts): JsonObject[] {
  if (access === "public") return [];
  const session = { session: [], ...(changes(method) && { csrf: [] }) };
  return [{ bearer: [] }, ...(sessionOnly ? [] : [{ apiKey: [] }]), session];
}

function isRead({ httpMethod }: Route): boolean {
  return httpMethod === "GET";
}

function changes({ idempotency }: DescMethod): boolean {
  return idempotency !== Idempotency.NO_SIDE_EFFECTS;
}

/** The ways to prove who calls. */
export const securitySchemes: JsonObject = {
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
  apiKey: {
    type: "apiKey",
    in: "header",
    name: apiKeyHeader,
    description: "An API key; `Authorization: Bearer` takes one too, but not both headers at once.",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: sessionCookie,
    description: "A browser's session, where the deployment carries sessions by cookies.",
  },
  csrf: {
    type: "apiKey",
    in: "header",
    name: csrfHeader,
    description: "The value of the cookie `__Host-csrf`, which proves that a page of ours makes the call.",
  },
};

const tags = '^(\\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$';

/** Parameters of conditional requests (RFC 9110, section 13). */
export const conditionParameters: JsonObject = {
  IfMatch: {
    name: "If-Match",
    in: "header",
    description: "The entity tag of the state that may be changed, as its `etag` or a GET told; `*` for any.",
    schema: { type: "string", pattern: '^(\\*|"[!#-~]+")$', maxLength: 66 },
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    description:
      "Entity tags of answers that the client has: it gets 304 when one of them is the current one.",
    schema: { type: "string", pattern: tags },
  },
};

/** Headers of conditional requests. */
export const conditionHeaders: JsonObject = {
  ETag: { description: "The entity tag of the answer.", schema: { type: "string", pattern: '^"[!#-~]+"$' } },
};
