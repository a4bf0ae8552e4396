import type { OutgoingHttpHeaders } from "node:http";
import { create, fromBinary, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { Code, type ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { type ErrorFacts, errorFacts } from "../../kit/errors.js";
import { addReplyHeaders } from "./headers.js";

/** An RFC 9457 problem document: what REST answers instead of a `google.rpc.Status`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Name of the `google.rpc.Code`. */
  readonly code: string;
  /** Reason of the error's `google.rpc.ErrorInfo`. */
  readonly reason?: string;
  readonly request_id: string;
  /** Each detail as ProtoJSON of `google.protobuf.Any`. */
  readonly details: readonly JsonValue[];
}

/** `type` of a problem with one of our reasons is this and the reason, in kebab case. */
const problemTypes = "https://consciousness.ai/problems/";

/** What google/rpc/code.proto says of each code. */
const statuses: Record<Code, { status: number; name: string }> = {
  [Code.Canceled]: { status: 499, name: "CANCELLED" },
  [Code.Unknown]: { status: 500, name: "UNKNOWN" },
  [Code.InvalidArgument]: { status: 400, name: "INVALID_ARGUMENT" },
  [Code.DeadlineExceeded]: { status: 504, name: "DEADLINE_EXCEEDED" },
  [Code.NotFound]: { status: 404, name: "NOT_FOUND" },
  [Code.AlreadyExists]: { status: 409, name: "ALREADY_EXISTS" },
  [Code.PermissionDenied]: { status: 403, name: "PERMISSION_DENIED" },
  [Code.ResourceExhausted]: { status: 429, name: "RESOURCE_EXHAUSTED" },
  [Code.FailedPrecondition]: { status: 400, name: "FAILED_PRECONDITION" },
  [Code.Aborted]: { status: 409, name: "ABORTED" },
  [Code.OutOfRange]: { status: 400, name: "OUT_OF_RANGE" },
  [Code.Unimplemented]: { status: 501, name: "UNIMPLEMENTED" },
  [Code.Internal]: { status: 500, name: "INTERNAL" },
  [Code.Unavailable]: { status: 503, name: "UNAVAILABLE" },
  [Code.DataLoss]: { status: 500, name: "DATA_LOSS" },
  [Code.Unauthenticated]: { status: 401, name: "UNAUTHENTICATED" },
};

/** The HTTP status that an error is answered with: the catalogue's, else its code's. */
export function statusOf(error: ConnectError, facts = errorFacts(error)): number {
  return facts?.spec.http ?? statuses[error.code]?.status ?? 500;
}

/** The problem document of an error; details of types that `registry` lacks stay base64. */
export function problemOf(error: ConnectError, requestId: string, registry?: Registry): Problem {
  const facts = errorFacts(error);
  const reason = facts?.reason ?? error.findDetails(ErrorInfoSchema)[0]?.reason;
  const name = statuses[error.code]?.name ?? "UNKNOWN";
  return {
    type: facts ? problemTypes + facts.reason.toLowerCase().replaceAll("_", "-") : "about:blank",
    title: sentence(reason ?? name),
    status: statusOf(error, facts),
    detail: error.rawMessage,
    code: name,
    ...(reason !== undefined && { reason }),
    request_id: requestId,
    details: error.details.map((detail) => detailJson(detail, registry)),
  };
}

/** The headers that an error asks for: its own metadata, when to retry, how to authenticate. */
export function problemHeaders(error: ConnectError): OutgoingHttpHeaders {
  const facts = errorFacts(error);
  const status = statusOf(error, facts);
  const headers: OutgoingHttpHeaders = {};
  const retry = retryAfter(error, facts, status);
  if (retry !== undefined) headers["retry-after"] = String(retry);
  if (status === 401 && !error.metadata.has("www-authenticate")) {
    headers["www-authenticate"] = facts?.reason.startsWith("TOKEN_")
      ? 'Bearer error="invalid_token"'
      : "Bearer";
  }
  addReplyHeaders(headers, error.metadata);
  return headers;
}

/** Whole seconds. */
function retryAfter(error: ConnectError, facts: ErrorFacts | undefined, status: number): number | undefined {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  if (delay) return Math.max(0, Number(delay.seconds) + Math.ceil(delay.nanos / 1e9));
  return facts?.spec.retryable && (status === 503 || status === 429) ? 1 : undefined;
}

/** `AGENT_NOT_FOUND` → `Agent not found`. */
function sentence(name: string): string {
  const words = name.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type Detail = ConnectError["details"][number];

function detailJson(detail: Detail, registry: Registry | undefined): JsonValue {
  const typeName = "desc" in detail ? detail.desc.typeName : detail.type;
  const type = { "@type": `type.googleapis.com/${typeName}` };
  try {
    const json = messageJson(detail, registry);
    if (json === undefined) return { ...type, value: encoded(detail) };
    const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
    return isObject && !typeName.startsWith("google.protobuf.")
      ? { ...type, ...json }
      : { ...type, value: json };
  } catch {
    return { ...type, value: encoded(detail) };
  }
}

function messageJson(detail: Detail, registry: Registry | undefined): JsonValue | undefined {
  const printing = { registry, useProtoFieldName: true };
  if ("desc" in detail) return toJson(detail.desc, create(detail.desc, detail.value), printing);
  const desc = registry?.getMessage(detail.type);
  return desc && toJson(desc, fromBinary(desc, detail.value), printing);
}

function encoded(detail: Detail): string {
  return "desc" in detail ? "" : base64Encode(detail.value);
}
