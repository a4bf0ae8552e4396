import fc from "fast-check";
import { expect } from "vitest";
import { errorCode, flag, frameType } from "../../../../services/kit/peers/framing/protocol.js";
import {
  answer,
  block,
  dataFrame,
  headersFrame,
  okHeaders,
  okTrailers,
  openFraming,
  rawFrame,
  settings,
  uint32,
} from "./server-side.js";

const calls = 5;
/** What a connection may hold whatever a server does, beside the requests themselves: frames to send, and one that has not come in full. */
const mostHeld = 200_000;

/** What a good server might send while five calls are under way. */
const transcript = Buffer.concat([
  settings([1, 2048], [3, 100], [4, 70_000], [5, 20_000]),
  rawFrame(frameType.settings, flag.ack, 0),
  rawFrame(frameType.windowUpdate, 0, 0, uint32(100_000)),
  answer(1),
  rawFrame(frameType.ping, 0, 0, Buffer.from("12345678")),
  headersFrame(3, [...okHeaders, ["x-one", "1"]]),
  rawFrame(frameType.windowUpdate, 0, 5, uint32(1_000)),
  dataFrame(3, Buffer.alloc(2_000)),
  rawFrame(frameType.headers, 0, 5, block(okHeaders).subarray(0, 7)),
  rawFrame(frameType.continuation, flag.endHeaders, 5, block(okHeaders).subarray(7)),
  dataFrame(5, "abc"),
  headersFrame(3, okTrailers, flag.endHeaders | flag.endStream),
  rawFrame(frameType.rstStream, 0, 7, uint32(8)),
  headersFrame(9, [...okHeaders, ["grpc-status", "5"]], flag.endHeaders | flag.endStream),
  rawFrame(frameType.goaway, 0, 0, uint32(9, 0)),
  headersFrame(5, okTrailers, flag.endHeaders | flag.endStream),
]);

const anyFrame = fc
  .record({
    type: fc.nat(10),
    flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x2d), fc.nat(255)),
    stream: fc.oneof(fc.constantFrom(0, 1, 3, 5), fc.nat(12)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(
        Buffer.alloc(0),
        uint32(8),
        Buffer.alloc(8),
        block(okHeaders),
        block(okTrailers),
        Buffer.from([0x88]),
      ),
    ),
  })
  .map(({ type, flags, stream, payload }) => rawFrame(type, flags, stream, payload));

type Opened = ReturnType<typeof openFraming>;

/** Sends octets in pieces of a length, and asserts what has to hold whatever they are. */
function suffer(octets: Buffer, pieces: number): { opened: Opened; ended: number } {
  const opened = openFraming({ streamWindowBytes: 10_000 });
  const heard = Array.from({ length: calls }, () => opened.begin("request").heard);
  for (let at = 0; at < octets.length; at += pieces)
    opened.connection.receive(octets.subarray(at, at + pieces));
  const ended = heard.filter(({ end }) => end !== undefined).length;
  expect(opened.connection.held).toBeLessThan(mostHeld);
  expect(heard.every(({ late }) => late === 0)).toBe(true);
  expect([opened.fate.released, opened.connection.active]).toEqual([ended, calls - ended]);
  // An error of our own would be a fault in this code.
  expect(opened.fate.error?.errorCode).not.toBe(errorCode.internal);
  if (opened.fate.ended) expect(ended).toBe(calls);
  return { opened, ended };
}

const pieces = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }), fc.constant(10_000));

/** What happens on a connection, on either side. */
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("begin" as const),
      size: fc.constantFrom(0, 10, 20_000, 100_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), index: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("answer" as const), stream: fc.nat(20).map((n) => 2 * n + 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("grant" as const),
      octets: fc.integer({ min: 1, max: 50_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("frame" as const), octets: anyFrame }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("flush" as const, "close" as const, "lose" as const) }),
  },
);

/** Lets all of it happen; each call that began has either ended or been canceled, or is still open. */
async function live(
  events: readonly (typeof event extends fc.Arbitrary<infer E> ? E : never)[],
): Promise<void> {
  const { connection, fate, begin, receive, frames } = openFraming({ streamWindowBytes: 10_000 });
  receive(settings([4, 30_000]));
  const begun: (ReturnType<typeof begin> & { canceled?: boolean })[] = [];
  const isOpen = (one: (typeof begun)[number]) => one.heard.end === undefined && !one.canceled;
  for (const one of events) {
    if (one.kind === "begin" && connection.accepts) begun.push(begin(Buffer.alloc(one.size)));
    const chosen = one.kind === "cancel" ? begun[one.index] : undefined;
    if (chosen && isOpen(chosen)) {
      chosen.canceled = true;
      chosen.cancel();
    }
    if (one.kind === "answer" && begun.length * 2 > one.stream) receive(answer(one.stream));
    if (one.kind === "grant") receive(rawFrame(frameType.windowUpdate, 0, 0, uint32(one.octets)));
    if (one.kind === "frame") receive(one.octets);
    if (one.kind === "flush") await frames();
    if (one.kind === "close") connection.close();
    if (one.kind === "lose") connection.lost(new Error("lost"));
    const open = begun.filter(isOpen).length;
    expect([connection.active, fate.released]).toEqual([open, begun.length - open]);
  }
  await frames();
  connection.lost(new Error("lost"));
  expect(begun.some(isOpen)).toBe(false);
  expect(begun.every(({ heard }) => heard.late === 0)).toBe(true);
  expect(connection.held).toBeLessThan(mostHeld);
  expect(fate).toMatchObject({ ended: true, released: begun.length });
  expect(fate.error?.errorCode).not.toBe(errorCode.internal);
}

const changes = fc.array(fc.tuple(fc.nat(transcript.length - 1), fc.nat(255)), {
  minLength: 1,
  maxLength: 4,
});
const parts = fc.array(fc.tuple(fc.nat(transcript.length), fc.nat(200)), { minLength: 1, maxLength: 6 });

/** Whatever a server sends, calls end once, nothing is thrown, and little is held: what that is tried with. */
export const hostility: readonly (readonly [name: string, property: fc.IRawProperty<unknown>])[] = [
  [
    "the transcript of a good one, in pieces of any size",
    fc.property(fc.integer({ min: 1, max: transcript.length }), (length) => {
      const { opened, ended } = suffer(transcript, length);
      expect([ended, opened.fate.ended, opened.fate.error]).toEqual([calls, true, undefined]);
    }),
  ],
  [
    "random octets",
    fc.property(fc.uint8Array({ maxLength: 400 }), pieces, (octets, length) => {
      suffer(Buffer.from(octets), length);
      suffer(Buffer.concat([settings(), octets]), length);
    }),
  ],
  [
    "random frames",
    fc.property(fc.array(anyFrame, { maxLength: 30 }), pieces, (frames, length) => {
      suffer(Buffer.concat([settings(), ...frames]), length);
    }),
  ],
  [
    "the transcript with octets changed",
    fc.property(changes, pieces, (changed, length) => {
      const octets = Buffer.from(transcript);
      for (const [at, octet] of changed) octets[at] = octet;
      suffer(octets, length);
    }),
  ],
  [
    "the transcript with parts of it in another order or twice",
    fc.property(parts, pieces, (taken, length) => {
      const shuffled = taken.map(([from, size]) => transcript.subarray(from, from + size));
      suffer(Buffer.concat([transcript.subarray(0, 33), ...shuffled, transcript]), length);
    }),
  ],
  [
    "amid beginnings, cancels and goodbyes of ours",
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), live),
  ],
];
