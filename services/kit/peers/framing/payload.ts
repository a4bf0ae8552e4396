import type { Frame } from "./frame-reader.js";
import { errorCode, flag } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";

/** Octets of stream dependency and weight, which nobody uses any more (RFC 9113, section 5.3.2). */
const priorityLength = 5;

/** What a DATA frame carries besides padding (RFC 9113, section 6.1). */
export function dataOf({ flags, payload }: Frame): Buffer {
  return (flags & flag.padded) === 0 ? payload : withoutPadding(payload, 0);
}

/** The part of a header block that HEADERS carries (RFC 9113, section 6.2). */
export function fragmentOf({ flags, payload }: Frame): Buffer {
  const skipped = (flags & flag.priority) === 0 ? 0 : priorityLength;
  if ((flags & flag.padded) !== 0) return withoutPadding(payload, skipped);
  if (payload.length < skipped)
    throw new ConnectionFault(errorCode.frameSize, "HEADERS without what it announces");
  return skipped === 0 ? payload : payload.subarray(skipped);
}

/** Throws FRAME_SIZE_ERROR for a payload that has another length than all of its type. */
export function requireLength({ payload }: Frame, length: number, type: string): void {
  if (payload.length === length) return;
  throw new ConnectionFault(errorCode.frameSize, `${type} of ${payload.length} octets`);
}

function withoutPadding(payload: Buffer, skipped: number): Buffer {
  const padding = payload.length === 0 ? 1 : payload[0]!;
  const start = 1 + skipped;
  const end = payload.length - padding;
  if (start > end) throw new ConnectionFault(errorCode.protocol, "padding that is longer than its frame");
  return payload.subarray(start, end);
}
