import { setImmediate as turn } from "node:timers/promises";
import type { ConnectError } from "@connectrpc/connect";
import { type Frame, FrameReader } from "../../../../services/kit/peers/framing/frame-reader.js";
import { FramingConnection } from "../../../../services/kit/peers/framing/framing-connection.js";
import {
  flag,
  frameType,
  largestFrameSize,
  preface,
} from "../../../../services/kit/peers/framing/protocol.js";
import type { ReplyHeaders } from "../../../../services/kit/peers/wire-reply.js";

/** A frame as a server sends it, right or wrong. */
export function rawFrame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

export function uint32(...values: number[]): Buffer {
  const octets = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) octets.writeUInt32BE(value >>> 0, index * 4);
  return octets;
}

export function settings(...values: (readonly [id: number, value: number])[]): Buffer {
  const payload = values.map(([id, value]) => Buffer.concat([Buffer.from([id >>> 8, id]), uint32(value)]));
  return rawFrame(frameType.settings, 0, 0, Buffer.concat(payload));
}

/** A header block of literals, which no table keeps. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const literal = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)])),
  );
}

export const okHeaders = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;
export const okTrailers = [["grpc-status", "0"]] as const;

const { endHeaders, endStream } = flag;

export function headersFrame(
  stream: number,
  fields: readonly (readonly [string, string])[],
  flags: number = endHeaders,
): Buffer {
  return rawFrame(frameType.headers, flags, stream, block(fields));
}

export function dataFrame(stream: number, octets: Uint8Array | string, flags = 0): Buffer {
  return rawFrame(frameType.data, flags, stream, Buffer.from(octets as string));
}

/** A complete answer. */
export function answer(stream: number, body: Uint8Array | string = "body"): Buffer {
  return Buffer.concat([
    headersFrame(stream, okHeaders),
    dataFrame(stream, body),
    headersFrame(stream, okTrailers, endHeaders | endStream),
  ]);
}

/** What a call has heard so far. */
export interface Heard {
  headers?: ReplyHeaders;
  data: Buffer;
  trailers?: ReplyHeaders;
  /** How it ended. */
  end?: "answered" | { readonly error: ConnectError; readonly unsent: boolean };
  /** How often it was told anything after its end. */
  late: number;
}

/** What becomes of a connection. */
export interface ConnectionFate {
  granted: number;
  released: number;
  free: number;
  leaving: boolean;
  ended: boolean;
  error: (Error & { readonly errorCode?: number }) | undefined;
}

/** A connection of ours, and the server's side of it, as octets. Nothing leaves while it is `stuck`. */
export function openFraming(limits: { streamWindowBytes?: number; sessionWindowBytes?: number } = {}) {
  const fate: ConnectionFate = {
    granted: 0,
    released: 0,
    free: 0,
    leaving: false,
    ended: false,
    error: undefined,
  };
  const sent: Buffer[] = [];
  const carrier = { stuck: false, release: () => {} };
  const connection = new FramingConnection({
    origin: { ":scheme": "http", ":authority": "here" },
    limits: { streamWindowBytes: 1_048_576, sessionWindowBytes: 16_777_216, ...limits },
    owner: {
      onHeard: () => {},
      onGranted: (calls) => {
        fate.granted = calls;
      },
      onReleased: () => {
        fate.released += 1;
      },
      onFree: () => {
        fate.free += 1;
      },
      onLeaving: () => {
        fate.leaving = true;
      },
    },
    carrier: {
      send(octets, left) {
        sent.push(Buffer.from(octets));
        if (carrier.stuck) carrier.release = left;
        else left();
      },
      end(error) {
        fate.ended = true;
        fate.error = error;
      },
    },
    now: () => 0,
  });

  const begin = (body: Uint8Array | string = "", headers: Record<string, string> = {}) => {
    const heard: Heard = { data: Buffer.alloc(0), late: 0 };
    const note = (part: Partial<Heard>) => {
      if (heard.end === undefined) Object.assign(heard, part);
      else heard.late += 1;
    };
    const request = { ":method": "POST", ":path": "/a/b", ...headers };
    const stream = connection.begin(request, Buffer.from(body as string), {
      onHeaders: (given) => note({ headers: given }),
      onData: (chunk) => note({ data: Buffer.concat([heard.data, chunk]) }),
      onTrailers: (given) => note({ trailers: given }),
      onEnd: () => note({ end: "answered" }),
      onError: (error, unsent) => {
        note({ end: { error, unsent } });
        call.onEnd();
      },
    });
    const call = { heard, cancel: () => stream.cancel(), onEnd: () => {} };
    return call;
  };

  /** All frames that have left, once what waits has. */
  const frames = async (): Promise<Frame[]> => {
    await turn();
    await turn();
    const all: Frame[] = [];
    const reader = new FrameReader(largestFrameSize);
    reader.read(Buffer.concat(sent).subarray(preface.length), (frame) => all.push(frame) > 0);
    return all;
  };

  const receive = (...octets: Buffer[]) => connection.receive(Buffer.concat(octets));
  /** The server's own beginning. */
  const greet = (...values: (readonly [id: number, value: number])[]) => receive(settings(...values));
  return { connection, fate, carrier, sent, begin, frames, receive, greet };
}
