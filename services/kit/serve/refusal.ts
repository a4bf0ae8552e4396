import { STATUS_CODES } from "node:http";
import { Code, type ConnectError } from "@connectrpc/connect";
import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { codeName, errorFacts } from "../errors.js";
import type { Request, Response } from "./listen.js";

const statuses: Readonly<Partial<Record<Code, number>>> = {
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.PermissionDenied]: 403,
  [Code.Unimplemented]: 501,
  [Code.Unavailable]: 503,
};

/** HTTP status of a refusal: the catalogue's, else its code's. */
export function refusalStatus(error: ConnectError): number {
  return errorFacts(error)?.spec.http ?? statuses[error.code] ?? 500;
}

/** An RFC 9457 problem document of a request that was refused before anybody could read it. */
export function problemText(error: ConnectError, requestId?: string): string {
  const reason = errorFacts(error)?.reason ?? "";
  const words = reason.toLowerCase().replaceAll("_", " ");
  return JSON.stringify({
    type: `https://consciousness.ai/problems/${words.replaceAll(" ", "-")}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status: refusalStatus(error),
    detail: error.rawMessage,
    code: codeName(error.code).toUpperCase(),
    reason,
    ...(requestId !== undefined && { request_id: requestId }),
    details: [],
  });
}

/** Whether a request speaks gRPC or gRPC-Web. */
export function isGrpc(request: Request): boolean {
  return request.headers["content-type"]?.startsWith("application/grpc") ?? false;
}

/** Refuses a call with the status in one header block that ends the stream, as gRPC clients expect. */
export function refuseGrpc(request: Request, response: Response, error: ConnectError): void {
  const headers = new Headers({ "content-type": request.headers["content-type"] ?? "application/grpc" });
  setTrailerStatus(headers, error);
  // writeHead() would send the headers alone, and a client would wait for trailers.
  response.statusCode = 200;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.end();
}

/** Refuses a request in the form of its protocol: gRPC, Connect where `isMethod`, else a problem document. */
export function refuse(
  request: Request,
  response: Response,
  error: ConnectError,
  { isMethod, requestId }: { readonly isMethod: boolean; readonly requestId: string | undefined },
): void {
  if (isGrpc(request)) {
    refuseGrpc(request, response, error);
    return;
  }
  const body = isMethod ? JSON.stringify(errorToJson(error, undefined)) : problemText(error, requestId);
  response.statusCode = refusalStatus(error);
  if (!("stream" in response)) {
    response.statusMessage = STATUS_CODES[response.statusCode] ?? "";
    // The body of what is refused unread may be anything.
    if (!request.complete) response.setHeader("connection", "close");
  }
  response.setHeader("content-type", isMethod ? "application/json" : "application/problem+json");
  response.setHeader("content-length", Buffer.byteLength(body));
  if (requestId !== undefined) response.setHeader("x-request-id", requestId);
  response.end(request.method === "HEAD" ? "" : body);
}
