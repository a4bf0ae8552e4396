import {
  defaultFrameSize,
  defaultTableSize,
  defaultWindow,
  errorCode,
  largest31,
  largestFrameSize,
  settingId,
} from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";

const settingLength = 6;

/** What the other side told of itself (RFC 9113, section 6.5.2). */
export interface PeerSettings {
  /** Octets that the table behind our header blocks may have. */
  readonly headerTableSize: number;
  readonly maxConcurrentStreams: number;
  /** Octets that a new stream may send before it is granted more. */
  readonly initialWindowSize: number;
  /** Octets of the largest payload. */
  readonly maxFrameSize: number;
  /** Octets of the largest list of headers, as it says without promise. */
  readonly maxHeaderListSize: number;
}

/** What holds until the other side says otherwise. */
export const defaultSettings: PeerSettings = {
  headerTableSize: defaultTableSize,
  maxConcurrentStreams: Number.POSITIVE_INFINITY,
  initialWindowSize: defaultWindow,
  maxFrameSize: defaultFrameSize,
  maxHeaderListSize: Number.POSITIVE_INFINITY,
};

/** The payload of SETTINGS with these values. */
export function writeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(settings.length * settingLength);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * settingLength);
    payload.writeUInt32BE(value, index * settingLength + 2);
  }
  return payload;
}

/** What holds after a server's SETTINGS. Throws for a value that none may have; unknown ones have no effect. */
export function readSettings(payload: Buffer, before: PeerSettings): PeerSettings {
  if (payload.length % settingLength !== 0) {
    throw new ConnectionFault(errorCode.frameSize, "SETTINGS that end within a setting");
  }
  const after = { ...before };
  for (let at = 0; at < payload.length; at += settingLength) {
    readSetting(after, payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  }
  return after;
}

function readSetting(
  settings: { -readonly [K in keyof PeerSettings]: number },
  id: number,
  value: number,
): void {
  switch (id) {
    case settingId.headerTableSize:
      settings.headerTableSize = value;
      break;
    case settingId.enablePush:
      require(value === 0, errorCode.protocol, "a server that lets itself be pushed to");
      break;
    case settingId.maxConcurrentStreams:
      settings.maxConcurrentStreams = value;
      break;
    case settingId.initialWindowSize:
      require(value <= largest31, errorCode.flowControl, "an initial window beyond the largest");
      settings.initialWindowSize = value;
      break;
    case settingId.maxFrameSize:
      require(value >= defaultFrameSize &&
        value <= largestFrameSize, errorCode.protocol, "a frame size that none may set");
      settings.maxFrameSize = value;
      break;
    case settingId.maxHeaderListSize:
      settings.maxHeaderListSize = value;
      break;
  }
}

function require(met: boolean, code: number, fault: string): void {
  if (!met) throw new ConnectionFault(code, fault);
}
