import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { Code as GrpcCode } from "#gen/ts/google/rpc/code_pb.js";
import { codeName } from "./errors.js";

/** Protocols as OpenTelemetry's conventions for RPC name them. */
export type RpcSystem = "grpc" | "connectrpc";

/** Full name of a method, which is its span's name too: `consciousness.engine.v1.EngineService/Process`. */
export function rpcName({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

/**
 * Ends the span of a call with its status code, in the protocol's own spelling;
 * Connect has none for success. `isFault` says whose failures mark the span as one.
 */
export function endRpcSpan(
  span: Span,
  system: RpcSystem,
  { error, isFault }: { readonly error: unknown; readonly isFault: (code: Code) => boolean },
): void {
  if (!span.isRecording()) return;
  const code = error === undefined ? undefined : ConnectError.from(error).code;
  const status =
    code === undefined ? "OK" : system === "grpc" ? (GrpcCode[code] ?? "UNKNOWN") : codeName(code);
  if (code !== undefined || system === "grpc") span.setAttribute("rpc.status_code", status);
  if (code !== undefined && isFault(code)) {
    span.setAttribute("error.type", status);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** Codes that tell of a fault of who serves; others are answers to what the caller did. */
const faults: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/** Whether who serves is at fault. */
export function isServerFault(code: Code): boolean {
  return faults.has(code);
}
