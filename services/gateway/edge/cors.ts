import type { OutgoingHttpHeaders } from "node:http";
import { tenantHeader } from "../../kit/chain/act-in-tenant.js";
import { errors } from "../../kit/errors.js";
import type { Request } from "../../kit/serve/listen.js";
import { csrfHeader, sessionHeader } from "./session-names.js";
import { addVary } from "./vary.js";

/** Request headers that pages elsewhere may send, beside those that browsers let pass anyway. */
const admittedHeaders: readonly string[] = [
  "authorization",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-encoding",
  "content-type",
  "grpc-timeout",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "last-event-id",
  "traceparent",
  "tracestate",
  csrfHeader,
  "x-grpc-web",
  "x-request-id",
  sessionHeader,
  tenantHeader,
  "x-timeout-ms",
  "x-user-agent",
];

/** Response headers that pages elsewhere may read, beside those that browsers show anyway. */
const exposedHeaders: readonly string[] = [
  "age",
  "allow",
  "etag",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "idempotent-replayed",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
  "x-request-id",
];

/** What CORS depends on. */
export interface CorsOptions {
  readonly origins: ReadonlySet<string>;
  /** Whether pages elsewhere may send cookies. */
  readonly credentials: boolean;
  readonly preflightSeconds: number;
  /** The HTTP methods that a raw path takes; undefined when there is no such path. */
  methodsOf(path: string): readonly string[] | undefined;
}

/** Cross-origin resource sharing (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export interface Cors {
  /** Tells the browser that a page of an admitted origin may read the answer. */
  addHeaders(request: Request, headers: OutgoingHttpHeaders): void;
  /**
   * The headers that admit what a preflight asks for. Throws ORIGIN_NOT_ALLOWED,
   * ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED, or PARAMETER_INVALID for a header.
   */
  admit(request: Request, path: string): OutgoingHttpHeaders;
}

/** Admits exact origins and nothing else: no pattern, no `null`, and no wildcard. */
export function createCors({ origins, credentials, preflightSeconds, methodsOf }: CorsOptions): Cors {
  const admitted = (request: Request, headers: OutgoingHttpHeaders): boolean => {
    if (origins.size === 0) return false;
    addVary(headers, "origin");
    const { origin } = request.headers;
    if (origin === undefined || !origins.has(origin)) return false;
    headers["access-control-allow-origin"] = origin;
    if (credentials) headers["access-control-allow-credentials"] = "true";
    return true;
  };
  return {
    addHeaders(request, headers) {
      if (admitted(request, headers)) headers["access-control-expose-headers"] = exposedHeaders.join(", ");
    },
    admit(request, path) {
      const headers: OutgoingHttpHeaders = {};
      if (!admitted(request, headers))
        throw errors.originNotAllowed({ origin: request.headers.origin ?? "" });
      headers["access-control-allow-methods"] = requireMethod(request, path, methodsOf(path)).join(", ");
      requireHeaders(request);
      headers["access-control-allow-headers"] = admittedHeaders.join(", ");
      headers["access-control-max-age"] = String(preflightSeconds);
      addVary(headers, "access-control-request-method, access-control-request-headers");
      return headers;
    },
  };
}

/** Whether a request asks on behalf of a page what it may send. */
export function isPreflight({ method, headers }: Request): boolean {
  return (
    method === "OPTIONS" &&
    headers.origin !== undefined &&
    headers["access-control-request-method"] !== undefined
  );
}

function requireMethod(
  { headers }: Request,
  path: string,
  methods: readonly string[] | undefined,
): readonly string[] {
  if (!methods) throw errors.routeNotFound({ path });
  const method = String(headers["access-control-request-method"]);
  if (methods.includes(method)) return methods;
  const allow = methods.join(", ");
  const error = errors.methodNotAllowed({ path, http_method: method, allow });
  error.metadata.set("allow", allow);
  throw error;
}

function requireHeaders({ headers }: Request): void {
  const asked = String(headers["access-control-request-headers"] ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase());
  const refused = asked.find((name) => name !== "" && !admittedHeaders.includes(name));
  if (refused === undefined) return;
  throw errors.parameterInvalid({
    parameter: "access-control-request-headers",
    problem: `pages elsewhere may not send ${refused}`,
  });
}
