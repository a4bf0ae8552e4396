import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Call, callKey, OpenCall, sampledOutKey } from "../context.js";
import { newId } from "../ids.js";
import { arrivalKey } from "./arrival.js";
import { forwardedClient, observedClient } from "./client.js";
import type { Request } from "./next.js";

/** Header that carries our request id between workloads; ignored from outside. */
export const requestIdHeader = "x-consciousness-request-id";
/** Header in which clients send an id of their own, and read the one we log. */
export const correlationHeader = "x-request-id";

const wellFormedCorrelation = /^[A-Za-z0-9._:-]{1,64}$/;
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The call that begins with a request. One from memory keeps what its caller
 * knew. One from the wire starts with nothing proved; our request id and what is
 * told of the client are taken over only where `trustRequestId` says that callers
 * are workloads.
 */
export function beginCall(request: Request, trustRequestId: boolean): Call {
  const known = request.contextValues.get(callKey);
  if (known) return known;
  const requestId =
    request.contextValues.get(arrivalKey)?.requestId ??
    wellFormed(trustRequestId ? request.header.get(requestIdHeader) : null, uuidV7) ??
    newId();
  return new OpenCall({
    requestId,
    correlationId: correlationId(request.header.get(correlationHeader), requestId),
    caller: Workload.UNSPECIFIED,
    client: trustRequestId ? forwardedClient(request) : observedClient(request),
    principal: undefined,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
    sampledOut: request.contextValues.get(sampledOutKey),
  });
}

/** The client's id when well-formed, else ours. */
export function correlationId(header: string | null | undefined, requestId: string): string {
  return wellFormed(header, wellFormedCorrelation) ?? requestId;
}

function wellFormed(value: string | null | undefined, pattern: RegExp): string | undefined {
  return value && pattern.test(value) ? value : undefined;
}
