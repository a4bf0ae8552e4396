import { connect, type Socket } from "node:net";
import type { Lane } from "./http1.js";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8 };
const wideOpen = 0x3fff_0000;

/** Opens one HTTP/2 connection, on which `lanes` calls go on at once. No more of HTTP/2 than a bench needs. */
export function openHttp2(
  port: number,
  lanes: number,
  call: { headers: readonly (readonly [string, string])[]; message: Buffer },
): Promise<Lane[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      const session = sessionOf(
        socket,
        frameOf(frame.headers, 4, 1, headerBlock(call.headers)),
        call.message,
      );
      resolve(Array.from({ length: lanes }, () => session));
    });
  });
}

interface Asked {
  readonly done: (good: boolean) => void;
  bytes: number;
}

function sessionOf(socket: Socket, head: Buffer, message: Buffer): Lane {
  const asked = new Map<number, Asked>();
  const body = frameOf(frame.data, 1, 1, message);
  let nextId = 1;
  let received = 0;
  let out: Buffer[] = [];
  const flush = () => {
    socket.write(out.length === 1 ? out[0]! : Buffer.concat(out));
    out = [];
  };
  const send = (...frames: Buffer[]) => {
    if (out.length === 0) setImmediate(flush);
    out.push(...frames);
  };
  const settle = (id: number, good: boolean) => {
    const one = asked.get(id);
    asked.delete(id);
    one?.done(good);
  };
  const take = (type: number, flags: number, id: number, payload: Buffer) => {
    if (type === frame.data) {
      received += payload.length;
      const one = asked.get(id);
      if (one) one.bytes += payload.length;
    } else if (type === frame.settings && (flags & 1) === 0) send(frameOf(frame.settings, 1, 0));
    else if (type === frame.ping && (flags & 1) === 0) send(frameOf(frame.ping, 1, 0, payload));
    else if (type === frame.reset) settle(id, false);
    else if (type === frame.goaway) socket.destroy();
    // An error has no message, and its trailers are its headers.
    if ((type === frame.data || type === frame.headers) && (flags & 1) === 1) {
      settle(id, type === frame.headers && (asked.get(id)?.bytes ?? 0) > 5);
    }
    if (received > 4_000_000) {
      send(frameOf(frame.window, 0, 0, number(received)));
      received = 0;
    }
  };
  readFrames(socket, take);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    for (const id of [...asked.keys()]) settle(id, false);
  });
  socket.write(preface);
  send(frameOf(frame.settings, 0, 0), frameOf(frame.window, 0, 0, number(wideOpen)));
  return {
    ask(done) {
      if (socket.destroyed) return done(false);
      const id = nextId;
      nextId += 2;
      asked.set(id, { done, bytes: 0 });
      send(withId(head, id), withId(body, id));
    },
    close: () => socket.destroy(),
  };
}

function readFrames(
  socket: Socket,
  take: (type: number, flags: number, id: number, payload: Buffer) => void,
): void {
  let pending = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const id = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      take(bytes[at + 3]!, bytes[at + 4]!, id, bytes.subarray(at + 9, end));
      at = end;
    }
    pending = bytes.subarray(at);
  });
}

function frameOf(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(id, 5);
  bytes.set(payload, 9);
  return bytes;
}

function withId(frame: Buffer, id: number): Buffer {
  const bytes = Buffer.from(frame);
  bytes.writeUInt32BE(id, 5);
  return bytes;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** HPACK without table and Huffman code: every field a literal (RFC 7541, section 6.2.2). */
function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string) => Buffer.concat([prefixed(value.length), Buffer.from(value)]);
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** An integer with a prefix of 7 bits (RFC 7541, section 5.1). */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
