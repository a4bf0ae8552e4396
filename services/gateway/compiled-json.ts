import type { Message } from "@bufbuild/protobuf";
import { compileJsonToMessage, valueLevels } from "../kit/codec/json-to-message.js";
import { compileMessageToJson } from "../kit/codec/message-to-json.js";
import { mayGenerateCode } from "../kit/codec/source.js";
import { createJsonCodec, type JsonCodec, type JsonCodecOptions } from "./transcode/json.js";

/**
 * ProtoJSON by code compiled for each message type. Whatever that code declines
 * goes to the transcoder's own codec, so that results and errors are the same.
 * It is that codec where a process may not make code from text.
 */
export function createCompiledJsonCodec(options: JsonCodecOptions): JsonCodec {
  const careful = createJsonCodec(options);
  if (!mayGenerateCode()) return careful;
  const { registry, maxDepth } = options;
  return {
    reader(message, given) {
      const { field, ignoreUnknown } = given;
      const fallback = careful.reader(message, given);
      const unknown = ignoreUnknown ? "ignore" : "refuse";
      const depthLimit = maxDepth + valueLevels;
      return orElse(compileJsonToMessage(message, { registry, unknown, depthLimit }, field), fallback);
    },
    printer(message, given) {
      const fallback = careful.printer(message, given);
      const options = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
      return orElse<Message, string>(compileMessageToJson(message, options, given.field), fallback);
    },
  };
}

function orElse<I, O>(run: ((input: I) => O | undefined) | undefined, fallback: (input: I) => O) {
  return run ? (input: I): O => run(input) ?? fallback(input) : fallback;
}
