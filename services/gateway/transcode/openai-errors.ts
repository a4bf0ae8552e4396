import type { OutgoingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { errorFacts, type Reason } from "../../kit/errors.js";
import { decisionHeader } from "../../kit/peers/same-call.js";
import type { ErrorForm } from "./error-form.js";
import { problemHeaders, statusOf } from "./problem.js";

/** Codes that OpenAI's clients know; every other reason is its own code, in lower case. */
const codes: Readonly<Partial<Record<Reason, string>>> = {
  API_KEY_INVALID: "invalid_api_key",
  ETHICAL_VIOLATION: "content_filter",
  CREDENTIALS_MISSING: "invalid_api_key",
  TOKEN_EXPIRED: "invalid_api_key",
  TOKEN_INVALID: "invalid_api_key",
  TOKEN_REVOKED: "invalid_api_key",
  RATE_LIMITED: "rate_limit_exceeded",
  QUOTA_EXHAUSTED: "insufficient_quota",
  AGENT_NOT_FOUND: "model_not_found",
  MODEL_NOT_FOUND: "model_not_found",
};

/**
 * Errors as the clients of OpenAI's API read them. A block is 400 there, which
 * no client repeats; it names its decision in the body and in `x-decision-id`.
 */
export const openaiForm: ErrorForm = {
  contentType: "application/json",
  status: openaiStatus,
  body: (error, requestId) => JSON.stringify(openaiError(error, requestId)),
  headers(error) {
    const headers = { ...problemHeaders(error), ...rateHeaders(error.metadata) };
    const decision = parametersOf(error).decision_id;
    return decision === undefined ? headers : { ...headers, [decisionHeader]: decision };
  },
  replyHeaders: rateHeaders,
  lastPiece: (error, streamType) =>
    streamType.startsWith("text/event-stream")
      ? `data: ${JSON.stringify(openaiError(error, undefined))}\n\n`
      : undefined,
};

function openaiStatus(error: ConnectError): number {
  return errorFacts(error)?.reason === "ETHICAL_VIOLATION" ? 400 : statusOf(error);
}

function openaiError(error: ConnectError, requestId: string | undefined) {
  const facts = errorFacts(error);
  const { param = null, decision_id } = parametersOf(error);
  return {
    error: {
      message: error.rawMessage,
      type: typeOf(error),
      param,
      code: (facts && codes[facts.reason]) ?? facts?.reason.toLowerCase() ?? null,
      ...(decision_id !== undefined && { decision_id }),
      ...(requestId !== undefined && { request_id: requestId }),
    },
  };
}

function typeOf(error: ConnectError): string {
  const status = openaiStatus(error);
  if (status === 429)
    return errorFacts(error)?.reason === "QUOTA_EXHAUSTED" ? "insufficient_quota" : "requests";
  return status >= 500 || status === 499 ? "server_error" : "invalid_request_error";
}

function parametersOf(error: ConnectError): Readonly<Record<string, string | undefined>> {
  return error.findDetails(ErrorInfoSchema)[0]?.metadata ?? {};
}

/** `x-ratelimit-*` of requests, from the policy and the state of the counter that decided. */
function rateHeaders(reply: Headers): OutgoingHttpHeaders {
  const state = /^"([^"]*)";r=(\d+);t=(\d+)$/.exec(reply.get("ratelimit") ?? "");
  if (!state) return {};
  const [, name, remaining, seconds] = state;
  const policies = (reply.get("ratelimit-policy") ?? "").split(", ");
  const policy = policies.find((one) => one.startsWith(`"${name}";q=`));
  const limit = policy && /;q=(\d+)/.exec(policy)?.[1];
  return {
    ...(limit !== undefined && { "x-ratelimit-limit-requests": limit }),
    "x-ratelimit-remaining-requests": remaining,
    "x-ratelimit-reset-requests": `${seconds}s`,
  };
}
