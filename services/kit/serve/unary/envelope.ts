import type { ConnectError } from "@connectrpc/connect";
import { bodyMalformed, flagsUnknown, messageTooLarge, notOneMessage } from "./refusals.js";

/** Bytes before each message of gRPC and gRPC-Web: flags, and the length in network order. */
export const envelopeBytes = 5;
const compressedFlag = 1;

/** The message of a body, or what is wrong with the body. */
export type Opened =
  | { readonly kind: "message"; readonly compressed: boolean; readonly data: Uint8Array }
  | { readonly kind: "broken"; readonly error: ConnectError };

/** Takes the one message out of a unary call's body. `ignored` are flags of frames to pass over. */
export function openEnvelope(body: Uint8Array, limit: number, ignored = 0): Opened {
  let found: Opened | undefined;
  for (let at = 0; at < body.length; ) {
    if (body.length - at < envelopeBytes) return broken(bodyMalformed("it ends within a message's prefix"));
    const flags = body[at]!;
    const length = lengthAt(body, at);
    if (length > limit) return broken(messageTooLarge(limit));
    const start = at + envelopeBytes;
    at = start + length;
    if (at > body.length) return broken(bodyMalformed("it ends within a message"));
    if ((flags & ignored) !== 0) continue;
    if ((flags & ~compressedFlag) !== 0) return broken(flagsUnknown(flags));
    if (found) return broken(notOneMessage("more than one message"));
    found = { kind: "message", compressed: flags === compressedFlag, data: body.subarray(start, at) };
  }
  return found ?? broken(notOneMessage("no message"));
}

/** Whether the prefix at the start of a body announces more than the limit. */
export function announcesMore(start: Uint8Array, limit: number): boolean {
  return start.length >= envelopeBytes && lengthAt(start, 0) > limit;
}

/** Writes the prefix into the bytes reserved for it before a message. */
export function sealEnvelope(bytes: Uint8Array, flags = 0): Uint8Array {
  const length = bytes.length - envelopeBytes;
  bytes[0] = flags;
  bytes[1] = length >>> 24;
  bytes[2] = length >>> 16;
  bytes[3] = length >>> 8;
  bytes[4] = length;
  return bytes;
}

/** A frame with a copy of the data. */
export function frame(data: Uint8Array, flags: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(envelopeBytes + data.length);
  bytes.set(data, envelopeBytes);
  return sealEnvelope(bytes, flags);
}

/** A frame with a compressed message. */
export function compressedFrame(data: Uint8Array): Uint8Array {
  return frame(data, compressedFlag);
}

function lengthAt(bytes: Uint8Array, at: number): number {
  // The highest byte would be shifted into the sign.
  return bytes[at + 1]! * 0x1000000 + ((bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!);
}

function broken(error: ConnectError): Opened {
  return { kind: "broken", error };
}
