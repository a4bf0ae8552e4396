import type { OutgoingHttpHeaders } from "node:http";
import type { Registry } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { oauthErrorOf } from "./oauth-error.js";
import { problemHeaders, problemOf, statusOf } from "./problem.js";

/** In which form errors are told. */
export interface ErrorForm {
  readonly contentType: string;
  status(error: ConnectError): number;
  body(error: ConnectError, requestId: string): string;
  headers(error: ConnectError): OutgoingHttpHeaders;
  /** Headers of every answer, success included, by those it has already. */
  readonly replyHeaders?: (reply: Headers) => OutgoingHttpHeaders;
  /** The error as the last piece of a raw stream of this type that has begun; undefined where it has no place. */
  readonly lastPiece?: (error: ConnectError, streamType: string) => string | undefined;
}

/** RFC 9457 problem documents. */
export function problemForm(registry: Registry | undefined): ErrorForm {
  return {
    contentType: "application/problem+json",
    status: statusOf,
    body: (error, requestId) => JSON.stringify(problemOf(error, requestId, registry)),
    headers: problemHeaders,
  };
}

/** Problem documents that say too what clients of a token endpoint look for (RFC 6749, section 5.2). */
export function oauthForm(registry: Registry | undefined): ErrorForm {
  const toldOf = (error: ConnectError) => oauthErrorOf(problemOf(error, "").reason, statusOf(error));
  return {
    contentType: "application/json",
    status: (error) => toldOf(error).status,
    body(error, requestId) {
      const problem = problemOf(error, requestId, registry);
      const told = toldOf(error);
      const answer = { error: told.error, error_description: problem.detail, ...problem };
      return JSON.stringify({ ...answer, status: told.status });
    },
    // The scheme by which clients may name themselves there.
    headers: (error) => ({
      ...problemHeaders(error),
      ...(toldOf(error).status === 401 && { "www-authenticate": "Basic" }),
    }),
  };
}
