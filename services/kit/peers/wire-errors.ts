import { constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";

const resets: Readonly<Record<number, readonly [name: string, code: Code]>> = {
  [constants.NGHTTP2_NO_ERROR]: ["NO_ERROR", Code.Internal],
  [constants.NGHTTP2_PROTOCOL_ERROR]: ["PROTOCOL_ERROR", Code.Internal],
  [constants.NGHTTP2_INTERNAL_ERROR]: ["INTERNAL_ERROR", Code.Internal],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR]: ["FLOW_CONTROL_ERROR", Code.Internal],
  [constants.NGHTTP2_SETTINGS_TIMEOUT]: ["SETTINGS_TIMEOUT", Code.Internal],
  [constants.NGHTTP2_FRAME_SIZE_ERROR]: ["FRAME_SIZE_ERROR", Code.Internal],
  [constants.NGHTTP2_REFUSED_STREAM]: ["REFUSED_STREAM", Code.Unavailable],
  [constants.NGHTTP2_CANCEL]: ["CANCEL", Code.Canceled],
  [constants.NGHTTP2_COMPRESSION_ERROR]: ["COMPRESSION_ERROR", Code.Internal],
  [constants.NGHTTP2_CONNECT_ERROR]: ["CONNECT_ERROR", Code.Internal],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: ["ENHANCE_YOUR_CALM", Code.ResourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY]: ["INADEQUATE_SECURITY", Code.PermissionDenied],
};

/** The error of a stream that the server reset, by the table "Errors" of gRPC over HTTP/2. */
export function resetError(rstCode: number): ConnectError {
  const [name, code] = resets[rstCode] ?? ["an unknown code", Code.Internal];
  return new ConnectError(`http/2 stream closed with error code ${name} (0x${rstCode.toString(16)})`, code);
}

/** The error of a connection that the server ends with this code. */
export function goawayError(errorCode: number): Error {
  const [name] = resets[errorCode] ?? ["an unknown code"];
  const message = `the server ended the connection with ${name} (0x${errorCode.toString(16)})`;
  return Object.assign(new Error(message), { code: "ERR_HTTP2_SESSION_ERROR" });
}

/** The error of a call whose answer broke HTTP/2, for which the stream was reset with this code. */
export function faultError(rstCode: number, message: string): ConnectError {
  const [, code] = resets[rstCode] ?? ["", Code.Internal];
  return new ConnectError(`the answer breaks HTTP/2: ${message}`, code);
}

/** The error of a call whose connection could not be had or has ended; the cause says which. */
export function connectionError(cause: unknown): ConnectError {
  if (cause instanceof ConnectError) return cause;
  const reason = cause instanceof Error ? cause : new Error("the connection was cut", { cause });
  return new ConnectError(reason.message, Code.Unavailable, undefined, undefined, reason);
}

/** A connection that ended, said in the way Node does. */
export function cut(message: string): Error {
  return Object.assign(new Error(message), { code: "ECONNRESET" });
}

/** A call that came too late for its connection, said in the way Node does. */
export function sessionEnded(): Error {
  return Object.assign(new Error("the session has ended"), { code: "ERR_HTTP2_INVALID_SESSION" });
}

const neverLeft: ReadonlySet<unknown> = new Set([
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_OUT_OF_STREAMS",
]);

/** Whether a request cannot have left, as its session had ended before. */
export function isUnsentRequest(error: unknown): boolean {
  return error instanceof Error && neverLeft.has((error as NodeJS.ErrnoException).code);
}
