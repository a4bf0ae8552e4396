import { Code, ConnectError } from "@connectrpc/connect";
import { errors } from "../../errors.js";
import { supportedCompressions } from "./compression.js";

/** BODY_MALFORMED, for what is no message of the method. */
export function bodyMalformed(problem: string, cause?: unknown): ConnectError {
  return errors.bodyMalformed({ problem }, cause);
}

/**
 * RESOURCE_EXHAUSTED for a message over the limit. Without details, as the
 * protocols' conformance suite has it; the reason stands in our log.
 */
export function messageTooLarge(limit: number, cause?: unknown): ConnectError {
  const { rawMessage, code } = errors.bodyTooLarge({ limit_bytes: limit });
  return new ConnectError(rawMessage, code, undefined, undefined, cause);
}

/** PARAMETER_INVALID for a malformed timeout. */
export function timeoutInvalid(name: string): ConnectError {
  const form = name === "grpc-timeout" ? "a number with a unit, such as 500m" : "a number of milliseconds";
  return errors.parameterInvalid({ parameter: name, problem: `must be ${form}` });
}

/** UNIMPLEMENTED with what would be understood, as the protocols ask for. */
export function compressionUnknown(name: string, acceptHeader: string): ConnectError {
  const message = `The compression ${JSON.stringify(name)} is not supported here; use ${supportedCompressions}.`;
  return new ConnectError(message, Code.Unimplemented, { [acceptHeader]: supportedCompressions });
}

/** UNIMPLEMENTED for a call without a message, or with several. */
export function notOneMessage(count: "no message" | "more than one message"): ConnectError {
  return new ConnectError(`The method takes one message; the call has ${count}.`, Code.Unimplemented);
}

/** INTERNAL for a compressed message in a call that names no compression. */
export function compressionUnnamed(): ConnectError {
  return new ConnectError("A message is compressed, but the call names no compression.", Code.Internal);
}

/** INTERNAL for flags that the protocol does not have. */
export function flagsUnknown(flags: number): ConnectError {
  return new ConnectError(
    `A message has the flags ${flags}, which the protocol does not have.`,
    Code.Internal,
  );
}
