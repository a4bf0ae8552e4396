// Generated from the messages in proto/consciousness/contract/v1/error_reason.proto. Do not edit.

/** Parameters of each error reason's message. */
export interface ErrorParams {
  INTERNAL: Record<never, never>;
  DEADLINE_EXCEEDED: { deadline_ms: string | number };
  CANCELED: Record<never, never>;
  OVERLOADED: { workload: string | number; limit: string | number };
  SHUTTING_DOWN: { workload: string | number };
  DEPENDENCY_UNAVAILABLE: { dependency: string | number };
  METHOD_UNKNOWN: { method: string | number };
  SERVICE_UNKNOWN: { service: string | number };
  ROUTE_NOT_FOUND: { path: string | number };
  METHOD_NOT_ALLOWED: { path: string | number; http_method: string | number; allow: string | number };
  URL_MALFORMED: { problem: string | number };
  MEDIA_TYPE_UNSUPPORTED: { media_type: string | number; expected: string | number };
  BODY_MALFORMED: { problem: string | number };
  BODY_TOO_LARGE: { limit_bytes: string | number };
  FIELD_UNKNOWN: { field: string | number; hint: string | number };
  PARAMETER_INVALID: { parameter: string | number; problem: string | number };
  VALIDATION_FAILED: { problems: string | number };
  URL_TOO_LONG: { limit: string | number };
  STREAM_UNSUPPORTED: { method: string | number };
  BODY_TIMEOUT: { limit_ms: string | number };
  HEADERS_TOO_LARGE: { limit: string | number; unit: string | number };
  REQUEST_MALFORMED: Record<never, never>;
  HEADERS_TIMEOUT: { limit_ms: string | number };
  PRECONDITION_FAILED: { header: string | number; problem: string | number };
  BODY_SPACE_EXHAUSTED: Record<never, never>;
  CREDENTIALS_MISSING: Record<never, never>;
  CREDENTIALS_INVALID: Record<never, never>;
  TOKEN_INVALID: Record<never, never>;
  TOKEN_EXPIRED: Record<never, never>;
  REFRESH_TOKEN_INVALID: Record<never, never>;
  REFRESH_TOKEN_REUSED: Record<never, never>;
  ACCOUNT_DISABLED: Record<never, never>;
  PERMISSION_MISSING: { permission: string | number };
  CALLER_NOT_ALLOWED: { caller: string | number; method: string | number };
  SIGN_IN_BUSY: Record<never, never>;
  ORIGIN_NOT_ALLOWED: { origin: string | number };
  CSRF_TOKEN_INVALID: { cookie: string | number };
  AGENT_NOT_FOUND: { id: string | number };
  AGENT_NAME_TAKEN: { name: string | number };
  ETAG_MISMATCH: { id: string | number };
  AGENT_NOT_ACTIVE: { id: string | number; status: string | number };
  FIELD_MASK_INVALID: { path: string | number };
  PAGE_TOKEN_INVALID: Record<never, never>;
  AGENT_STATUS_TRANSITION: { from: string | number; to: string | number };
  ETHICAL_VIOLATION: { rule_ids: string | number; decision_id: string | number };
  DECISION_NOT_FOUND: { id: string | number };
  PROVIDER_UNKNOWN: { provider_id: string | number };
  IDEMPOTENCY_KEY_REUSED: Record<never, never>;
  RATE_LIMITED: { limit: string | number; window_seconds: string | number; retry_seconds: string | number };
  QUOTA_EXHAUSTED: { limit: string | number; retry_seconds: string | number };
  IDEMPOTENCY_KEY_INVALID: { problem: string | number };
  IDEMPOTENCY_KEY_UNSUPPORTED: { method: string | number };
  IDEMPOTENCY_KEY_IN_USE: Record<never, never>;
}
