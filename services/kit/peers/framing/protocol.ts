/** Frame types (RFC 9113, section 6). */
export const frameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Flags of frames; which of them a frame may have depends on its type. */
export const flag = {
  none: 0x0,
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** Reasons for which a stream or a connection ends (RFC 9113, section 7). */
export const errorCode = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  connect: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
} as const;

/** Identifiers of settings (RFC 9113, section 6.5.2). */
export const settingId = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** What a client sends before its first frame (RFC 9113, section 3.4). */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Octets before each payload: its length, type and flags, and the stream. */
export const frameHeaderLength = 9;

/** Largest payload until a setting says otherwise, and the least that a setting may say. */
export const defaultFrameSize = 16_384;

/** Largest payload that a setting may allow. */
export const largestFrameSize = 16_777_215;

/** What may be sent on a stream or a connection until settings or WINDOW_UPDATE say otherwise, in octets. */
export const defaultWindow = 65_535;

/** Largest window of a stream or a connection, and the highest identifier of a stream. */
export const largest31 = 0x7fff_ffff;

/** Octets of the dynamic table until a setting says otherwise (RFC 9113, section 6.5.2). */
export const defaultTableSize = 4_096;
