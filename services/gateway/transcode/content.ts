import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { isHttpBody } from "./body.js";
import type { JsonCodec } from "./json.js";

/** One message as it goes into a response. */
export interface Content {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** How a message, or one field of it, is printed. */
export interface ContentPlan {
  /** It is a `google.api.HttpBody`: its bytes as they are. */
  readonly raw: boolean;
  of(message: Message): Content;
}

/** Plans how replies are printed: as JSON in one line, or raw. */
export function planContent(
  output: DescMessage,
  field: DescField | undefined,
  codec: JsonCodec,
): ContentPlan {
  if (isHttpBody(field ? (field.fieldKind === "message" ? field.message : undefined) : output)) {
    return { raw: true, of: (message) => rawContent(message, field) };
  }
  const print = codec.printer(output, field ? { field } : {});
  return { raw: false, of: (message) => ({ type: "application/json", body: print(message) }) };
}

function rawContent(message: Message, field: DescField | undefined): Content {
  const holder = field ? reflect(field.parent, message) : undefined;
  const raw = (holder && field ? (holder.get(field) as { message: Message }).message : message) as Message & {
    contentType?: string;
    data?: Uint8Array;
  };
  return { type: raw.contentType || "application/octet-stream", body: raw.data ?? new Uint8Array() };
}
