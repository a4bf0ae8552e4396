import { STATUS_CODES } from "node:http";
import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { keyUse } from "../../kit/idempotency/key.js";
import { oauthErrorOf } from "../transcode/oauth-error.js";
import type { Route } from "../transcode/route.js";
import type { PolicyFacts, ReasonFacts } from "./catalogue.js";
import { conditionHeaders, httpReasons } from "./http-semantics.js";

/** What decides which errors a route answers with. */
export interface FailureOptions {
  readonly route: Route;
  readonly policy: PolicyFacts;
  /** The reasons that the method's comment states. */
  readonly stated: readonly string[];
  readonly catalogue: ReadonlyMap<string, ReasonFacts>;
}

/** The media type of every error. */
export const problemType = "application/problem+json";

/** What a request with a body can fail with before its method is called. */
const bodyReasons = [
  "BODY_MALFORMED",
  "BODY_SPACE_EXHAUSTED",
  "BODY_TIMEOUT",
  "BODY_TOO_LARGE",
  "MEDIA_TYPE_UNSUPPORTED",
];
/** What may be wrong with the token of a call. */
const tokenReasons = ["CREDENTIALS_MISSING", "TOKEN_EXPIRED", "TOKEN_INVALID", "TOKEN_REVOKED"];
/** What a client's key may come to, by what it does for the method. */
const keyReasons = {
  kept: ["IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_KEY_IN_USE", "IDEMPOTENCY_KEY_REUSED"],
  refused: ["IDEMPOTENCY_KEY_UNSUPPORTED"],
  ignored: [],
};
/** What calls are refused for that count; without a principal there is no account whose quota they take. */
const countReasons = {
  not: [],
  rates: ["RATE_LIMITED"],
  quotas: ["CONCURRENCY_EXHAUSTED", "QUOTA_EXHAUSTED", "RATE_LIMITED"],
};
const everyReason = [
  "DEADLINE_EXCEEDED",
  "DEPENDENCY_UNAVAILABLE",
  "FIELD_UNKNOWN",
  "HEADERS_TOO_LARGE",
  "INTERNAL",
  "OVERLOADED",
  "PARAMETER_INVALID",
  "SHUTTING_DOWN",
  "URL_MALFORMED",
  "URL_TOO_LONG",
];

/** The reasons with which a route can fail. Throws when the contract states one that the catalogue lacks. */
export function reasonsOf({ route, policy, stated, catalogue }: FailureOptions): ReasonFacts[] {
  const names = new Set([
    ...everyReason,
    ...stated,
    ...(route.body === undefined ? [] : bodyReasons),
    ...(route.method.input.fields.length > 0 ? ["VALIDATION_FAILED"] : []),
    ...(route.variables.length > 0 ? ["ROUTE_NOT_FOUND"] : []),
    ...(policy.access === "public" ? [] : tokenReasons),
    ...(policy.access === "permission" ? ["PERMISSION_MISSING"] : []),
    ...(policy.access === "public" ? [] : ["API_KEY_INVALID", "CREDENTIALS_AMBIGUOUS", "SIGN_IN_BUSY"]),
    ...(policy.access === "public" ? [] : ["TENANT_NOT_ALLOWED", "TENANT_NOT_FOUND"]),
    ...(policy.sessionOnly ? ["SESSION_REQUIRED"] : []),
    ...httpReasons(route, policy),
    ...keyReasons[keyUse(route.method, policy.access)],
    ...countReasons[policy.access === "public" && policy.counted === "quotas" ? "rates" : policy.counted],
  ]);
  return [...names].sort().map((name) => {
    const known = catalogue.get(name);
    if (!known) throw new Error(`${nameOf(route.method)}: the error catalogue has no ${name}`);
    return policy.oauthErrors ? { ...known, status: oauthErrorOf(name, known.status).status } : known;
  });
}

/** The error responses of a route, by status. */
export function failures(options: FailureOptions): Map<number, JsonObject> {
  const byStatus = new Map<number, ReasonFacts[]>();
  const openai = options.policy.openaiErrors === true;
  for (const reason of reasonsOf(options)) {
    const status = openai && reason.reason === "ETHICAL_VIOLATION" ? 400 : reason.status;
    byStatus.set(status, [...(byStatus.get(status) ?? []), reason]);
  }
  const statuses = [...byStatus].sort(([a], [b]) => a - b);
  const tell = formOf(options.policy);
  return new Map(statuses.map(([status, reasons]) => [status, tell(status, reasons)]));
}

function formOf({ openaiErrors, oauthErrors }: PolicyFacts) {
  if (oauthErrors) return oauthFailure;
  return openaiErrors ? openaiFailure : failure;
}

/** As OpenAI's clients read it. */
function openaiFailure(status: number, reasons: readonly ReasonFacts[]): JsonObject {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/OpenAiError" } } };
  return { ...failure(status, reasons), content };
}

function failure(status: number, reasons: readonly ReasonFacts[]): JsonObject {
  const lines = reasons.map(({ reason, description }) => `- \`${reason}\`: ${description}`);
  const specific = {
    properties: { status: { const: status }, reason: { enum: reasons.map(({ reason }) => reason) } },
    required: ["reason"],
  };
  return {
    description: `${STATUS_CODES[status]}.\n\n${lines.join("\n")}`,
    headers: failureHeaders(status, reasons),
    content: {
      [problemType]: {
        schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, specific] },
        example: problemExample(reasons[0]!),
      },
    },
  };
}

/** What a token endpoint answers: the problem, with the members of RFC 6749, section 5.2. */
function oauthFailure(status: number, reasons: readonly ReasonFacts[]): JsonObject {
  const { content, ...rest } = failure(status, reasons);
  const { schema, example } = (content as Record<string, JsonObject>)[problemType] as {
    schema: JsonObject;
    example: JsonObject;
  };
  const error = { enum: [...new Set(reasons.map((one) => oauthErrorOf(one.reason, one.status).error))] };
  const members = {
    properties: { error, error_description: { type: "string" } },
    required: ["error", "error_description"],
  };
  const told = { error: error.enum[0] ?? "", error_description: String(example.detail) };
  const all = { allOf: [schema, members] };
  return { ...rest, content: { "application/json": { schema: all, example: { ...told, ...example } } } };
}

function failureHeaders(status: number, reasons: readonly ReasonFacts[]): JsonObject {
  const retry = [409, 429, 503].includes(status) && reasons.some(({ retryable }) => retryable);
  return {
    "x-request-id": { $ref: "#/components/headers/RequestId" },
    ...(retry && { "Retry-After": { $ref: "#/components/headers/RetryAfter" } }),
    ...(status === 401 && { "WWW-Authenticate": { $ref: "#/components/headers/WwwAuthenticate" } }),
  };
}

function problemExample({ reason, status, code, message }: ReasonFacts): JsonObject {
  const words = reason.toLowerCase().replaceAll("_", " ");
  return {
    type: `https://consciousness.ai/problems/${reason.toLowerCase().replaceAll("_", "-")}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status,
    detail: message,
    code,
    reason,
    request_id: "0197f2a4-6d1c-7b3e-9a52-3c8f1e0d4b76",
    details: [],
  };
}

/** The problem document, whatever failed. */
export const problemSchema: JsonObject = {
  type: "object",
  description: "An RFC 9457 problem document.",
  properties: {
    type: { type: "string", format: "uri", description: "Names the kind of problem." },
    title: { type: "string", description: "The reason in words." },
    status: { type: "integer", description: "The HTTP status." },
    detail: { type: "string", description: "What went wrong, for people." },
    code: { type: "string", description: "Name of the `google.rpc.Code`." },
    reason: { type: "string", description: "The reason, for programs. Reasons are append-only." },
    request_id: { type: "string", format: "uuid", description: "Leads to our log." },
    details: {
      type: "array",
      description: "Details as ProtoJSON, such as `google.rpc.ErrorInfo` with the message's parameters.",
      items: { type: "object", properties: { "@type": { type: "string" } }, required: ["@type"] },
    },
  },
  required: ["type", "title", "status", "detail", "code", "request_id", "details"],
};

/** An error as the clients of OpenAI's API read it. */
export const openaiErrorSchema: JsonObject = {
  type: "object",
  description: "An error in the form of OpenAI's API.",
  properties: {
    error: {
      type: "object",
      properties: {
        message: { type: "string", description: "What went wrong, for people." },
        type: { type: "string", description: "The kind of error, such as `invalid_request_error`." },
        param: { type: ["string", "null"], description: "The parameter at fault." },
        code: {
          type: ["string", "null"],
          description: "`content_filter` for a block, else a code of OpenAI's or our reason in lower case.",
        },
        decision_id: { type: "string", format: "uuid", description: "The decision that blocked." },
        request_id: { type: "string", format: "uuid", description: "Leads to our log." },
      },
      required: ["message", "type", "param", "code"],
    },
  },
  required: ["error"],
};

/** Headers that responses refer to. */
export const headerComponents: JsonObject = {
  ...conditionHeaders,
  RequestId: { description: "Our id of the request.", schema: { type: "string", format: "uuid" } },
  IdempotentReplayed: {
    description: "The answer is that of an earlier call with the idempotency key, which had the effect.",
    schema: { const: "true" },
  },
  RetryAfter: {
    description: "Seconds until another attempt is worthwhile.",
    schema: { type: "integer", minimum: 0 },
  },
  WwwAuthenticate: { description: "How to authenticate (RFC 6750).", schema: { type: "string" } },
};

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}
