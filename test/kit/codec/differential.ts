import { isDeepStrictEqual } from "node:util";
import {
  type DescMessage,
  fromBinary,
  fromJsonString,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { compileBinaryToJson } from "../../../services/kit/codec/binary-to-json.js";
import { compileBinaryToMessage } from "../../../services/kit/codec/binary-to-message.js";
import { compileJsonToBinary } from "../../../services/kit/codec/json-to-binary.js";
import { compileJsonToMessage } from "../../../services/kit/codec/json-to-message.js";
import { compileMessageToBinary } from "../../../services/kit/codec/message-to-binary.js";
import { compileMessageToJson } from "../../../services/kit/codec/message-to-json.js";
import { messageOf, registry } from "./fixture.js";
import { mutateBytes, mutateText } from "./mutate.js";
import { createRandom, type Random } from "./random.js";
import { sampleMessage } from "./sample.js";

/** How often compiled code took what protobuf-es takes too, of all that protobuf-es takes. */
export interface Share {
  taken: number;
  all: number;
}

/** By operation, for input that was not tampered with. */
export type Shares = Map<string, Share>;

const names = [
  "Everything",
  "Scalars",
  "Optionals",
  "Lists",
  "Maps",
  "Choice",
  "WellKnown",
  "Tree",
  "Odd",
  "Old",
  "Strict",
  "Edition",
  "Implied",
];
const roots = [
  ...names,
  "google.protobuf.Value",
  "google.protobuf.Struct",
  "google.protobuf.Timestamp",
  "google.protobuf.StringValue",
];

interface Compiled {
  readonly desc: DescMessage;
  readonly options: { useProtoFieldName: boolean; alwaysEmitImplicit: boolean; ignoreUnknownFields: boolean };
  readonly readJson: (text: string | Uint8Array) => Message | undefined;
  readonly writeJson: (message: Message) => string | undefined;
  readonly readBinary: (bytes: Uint8Array) => Message | undefined;
  readonly writeBinary: (message: Message, reserved: number) => Uint8Array | undefined;
  readonly jsonToBinary: (text: string | Uint8Array, reserved: number) => Uint8Array | undefined;
  readonly binaryToJson: (bytes: Uint8Array) => string | undefined;
}

const compiled: readonly Compiled[] = roots.flatMap((name) =>
  [0, 1, 2, 3].map((variant) => compileAll(messageOf(name), (variant & 1) > 0, (variant & 2) > 0)),
);

function compileAll(desc: DescMessage, useProtoFieldName: boolean, alwaysEmitImplicit: boolean): Compiled {
  const unknown = useProtoFieldName ? "ignore" : "refuse";
  const options = { registry, useProtoFieldName, alwaysEmitImplicit, unknown, depthLimit: 100 } as const;
  const none = () => undefined;
  return {
    desc,
    options: { useProtoFieldName, alwaysEmitImplicit, ignoreUnknownFields: useProtoFieldName },
    readJson: compileJsonToMessage(desc, options) ?? none,
    writeJson: compileMessageToJson(desc, options) ?? none,
    readBinary: compileBinaryToMessage(desc, options) ?? none,
    writeBinary: compileMessageToBinary(desc) ?? none,
    jsonToBinary: compileJsonToBinary(desc, options) ?? none,
    binaryToJson: compileBinaryToJson(desc, options) ?? none,
  };
}

/**
 * Codes a generated message, and tampered forms of it, in all ways; throws
 * where compiled code and protobuf-es disagree.
 */
export function compare(seed: number, shares: Shares): void {
  const random = createRandom(seed);
  const codec = random.pick(compiled);
  const { desc, options } = codec;
  const message = sampleMessage(desc, random);
  const bytes = outcome(() => toBinary(desc, message));
  expectSame("writeBinary", () => codec.writeBinary(message, 0), bytes, shares, sameBytes);
  const text = outcome(() => toJsonString(desc, message, { ...options, registry }));
  expectSame("writeJson", () => codec.writeJson(message), text, shares);
  if (bytes.ok) {
    readBinary(codec, bytes.value, shares);
    readBinary(codec, mutateBytes(bytes.value, random), new Map());
  }
  if (text.ok) {
    readJson(codec, text.value, shares);
    readJson(codec, tamper(text.value, random), new Map());
  }
}

function tamper(text: string, random: Random): string {
  const once = mutateText(text, random);
  return random.chance(0.3) ? mutateText(once, random) : once;
}

function readBinary(codec: Compiled, bytes: Uint8Array, shares: Shares): void {
  const { desc, options } = codec;
  const message = outcome(() => fromBinary(desc, bytes));
  expectSame("readBinary", () => codec.readBinary(bytes), message, shares);
  const text = outcome(() => toJsonString(desc, fromBinary(desc, bytes), { ...options, registry }));
  expectSame("binaryToJson", () => codec.binaryToJson(bytes), text, shares);
}

function readJson(codec: Compiled, text: string, shares: Shares): void {
  const { desc, options } = codec;
  const message = outcome(() => fromJsonString(desc, text, { ...options, registry }));
  expectSame("readJson", () => codec.readJson(text), message, shares);
  const utf8 = Buffer.from(text);
  if (utf8.toString() === text) expectSame("readJson of UTF-8", () => codec.readJson(utf8), message, shares);
  const bytes = outcome(() => toBinary(desc, fromJsonString(desc, text, { ...options, registry })));
  const same = (ours: Uint8Array, theirs: Uint8Array) =>
    ours.length === theirs.length && isDeepStrictEqual(fromBinary(desc, ours), fromBinary(desc, theirs));
  expectSame(
    "jsonToBinary",
    () => codec.jsonToBinary(text, 0),
    bytes,
    shares,
    (ours, theirs) => same(Uint8Array.from(ours), theirs),
  );
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

function outcome<T>(run: () => T): Outcome<T> {
  try {
    return { ok: true, value: run() };
  } catch {
    return { ok: false };
  }
}

function expectSame<T>(
  name: string,
  run: () => T | undefined,
  expected: Outcome<T>,
  shares: Shares,
  same: (ours: T, theirs: T) => boolean = isDeepStrictEqual,
): void {
  const value = run();
  if (expected.ok) count(shares, name, value !== undefined);
  if (value === undefined) return;
  if (!expected.ok) throw new Error(`${name} takes what protobuf-es refuses`);
  if (!same(value, expected.value)) throw new Error(`${name} differs from protobuf-es`);
}

function sameBytes(ours: Uint8Array, theirs: Uint8Array): boolean {
  return Buffer.compare(ours, theirs) === 0;
}

function count(shares: Shares, name: string, taken: boolean): void {
  const share = shares.get(name) ?? { taken: 0, all: 0 };
  shares.set(name, { taken: share.taken + (taken ? 1 : 0), all: share.all + 1 });
}
