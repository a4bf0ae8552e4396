import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type Message,
  type MessageInitShape,
  type MessageShape,
  type Registry,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { compileBinaryToJson } from "./binary-to-json.js";
import { compileBinaryToMessage } from "./binary-to-message.js";
import { compileInitToMessage } from "./init-to-message.js";
import { compileJsonToBinary } from "./json-to-binary.js";
import { compileJsonToMessage } from "./json-to-message.js";
import { compileMessageToBinary } from "./message-to-binary.js";
import { compileMessageToJson } from "./message-to-json.js";
import { mayGenerateCode } from "./source.js";

/** How messages are coded. */
export interface CodecOptions {
  /** Types that `google.protobuf.Any` may hold, and extensions. */
  readonly registry?: Registry | undefined;
  /** Whether JSON members that a message lacks are ignored; else they are refused. */
  readonly ignoreUnknownFields?: boolean;
  /** Whether JSON is written with the contract's field names; else in lowerCamelCase. Both are read. */
  readonly useProtoFieldName?: boolean;
  /** Whether fields without presence are written to JSON when they are zero. */
  readonly alwaysEmitImplicit?: boolean;
  /** Deepest nesting of messages; 100 as in protobuf-es, unless stated. */
  readonly depthLimit?: number;
  /** Whether code may be compiled. Unless stated, whenever the process allows it. */
  readonly compiled?: boolean;
}

/**
 * Codes messages of one type. Whatever protobuf-es takes is taken, with the same
 * result, and its errors are thrown for whatever it refuses. One thing is better:
 * 64-bit integers written as JSON numbers are exact.
 */
export interface MessageCodec<Desc extends DescMessage> {
  /** Reads JSON text or its UTF-8. */
  readJson(text: string | Uint8Array): MessageShape<Desc>;
  writeJson(message: MessageShape<Desc>): string;
  readBinary(bytes: Uint8Array): MessageShape<Desc>;
  /** Writes the binary format behind as many zeros, reserved for a header. */
  writeBinary(message: MessageShape<Desc>, reserved?: number): Uint8Array;
  /** As `readJson` and `writeBinary`, with no message between; fields come in the order of the text. */
  jsonToBinary(text: string | Uint8Array, reserved?: number): Uint8Array;
  /** As `readBinary` and `writeJson`, with no message between. */
  binaryToJson(bytes: Uint8Array): string;
}

/** Makes codecs, one for each message type; each of their methods is compiled when it is first used. */
export function createCodecs(
  options: CodecOptions = {},
): <D extends DescMessage>(desc: D) => MessageCodec<D> {
  const settings: Settings = {
    registry: options.registry,
    unknown: options.ignoreUnknownFields ? "ignore" : "refuse",
    ignoreUnknownFields: options.ignoreUnknownFields ?? false,
    useProtoFieldName: options.useProtoFieldName ?? false,
    alwaysEmitImplicit: options.alwaysEmitImplicit ?? false,
    depthLimit: options.depthLimit ?? 100,
    recursionLimit: options.depthLimit ?? 100,
    compiled: options.compiled ?? mayGenerateCode(),
  };
  const made = new WeakMap<DescMessage, MessageCodec<DescMessage>>();
  return (desc) => {
    const codec = made.get(desc) ?? createCodec(desc, settings);
    made.set(desc, codec);
    return codec as MessageCodec<typeof desc>;
  };
}

/** Makes messages of one type. */
export type MessageMaker<D extends DescMessage> = (init: MessageInitShape<D>) => MessageShape<D>;

const makers = new WeakMap<DescMessage, (init: never) => Message>();

/** `create` of protobuf-es for one type, compiled when it is first used where the process allows it. */
export function messageMaker<D extends DescMessage>(desc: D): MessageMaker<D> {
  const known = makers.get(desc);
  if (known) return known as MessageMaker<D>;
  const compiled = once(() => (mayGenerateCode() ? compileInitToMessage(desc) : undefined));
  const make: MessageMaker<D> = (init) => (compiled()?.(init) ?? create(desc, init)) as MessageShape<D>;
  makers.set(desc, make);
  return make;
}

interface Settings {
  readonly registry: Registry | undefined;
  readonly unknown: "ignore" | "refuse";
  readonly ignoreUnknownFields: boolean;
  readonly useProtoFieldName: boolean;
  readonly alwaysEmitImplicit: boolean;
  readonly depthLimit: number;
  readonly recursionLimit: number;
  readonly compiled: boolean;
}

function createCodec(desc: DescMessage, settings: Settings): MessageCodec<DescMessage> {
  const prepare = <F>(compile: () => F | undefined) =>
    once(() => (settings.compiled ? compile() : undefined));
  const jsonReader = prepare(() => compileJsonToMessage(desc, settings));
  const jsonWriter = prepare(() => compileMessageToJson(desc, settings));
  const binaryReader = prepare(() => compileBinaryToMessage(desc, settings));
  const binaryWriter = prepare(() => compileMessageToBinary(desc));
  const jsonCopier = prepare(() => compileJsonToBinary(desc, settings));
  const binaryCopier = prepare(() => compileBinaryToJson(desc, settings));
  const codec: MessageCodec<DescMessage> = {
    readJson: (text) => jsonReader()?.(text) ?? fromJsonString(desc, textOf(text), settings),
    writeJson: (message) => jsonWriter()?.(message) ?? toJsonString(desc, message, settings),
    readBinary: (bytes) => binaryReader()?.(bytes) ?? fromBinary(desc, bytes, settings),
    writeBinary: (message, reserved = 0) =>
      binaryWriter()?.(message, reserved) ?? behind(reserved, toBinary(desc, message)),
    jsonToBinary: (text, reserved = 0) =>
      jsonCopier()?.(text, reserved) ?? codec.writeBinary(codec.readJson(text), reserved),
    binaryToJson: (bytes) => binaryCopier()?.(bytes) ?? codec.writeJson(codec.readBinary(bytes)),
  };
  return codec;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(text: string | Uint8Array): string {
  return typeof text === "string" ? text : utf8.decode(text);
}

function behind(reserved: number, bytes: Uint8Array): Uint8Array {
  if (reserved === 0) return bytes;
  const result = new Uint8Array(reserved + bytes.length);
  result.set(bytes, reserved);
  return result;
}
