import { createHash } from "node:crypto";
import { clone, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/**
 * SHA-256 of a message's binary form with its maps in the order of their keys: a
 * client that sends a request again may send its maps in another order, which
 * means nothing. Fields that this release does not know count.
 */
export function requestDigest<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Uint8Array {
  const copy = clone(schema, message);
  orderMaps(reflect(schema, copy));
  return createHash("sha256").update(toBinary(schema, copy)).digest();
}

function orderMaps(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === "message") orderMaps(message.get(field));
    if (field.fieldKind === "list" && field.listKind === "message") {
      for (const item of message.get(field)) orderMaps(item as ReflectMessage);
    }
    if (field.fieldKind === "map") {
      const map = message.get(field);
      const entries = [...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
      map.clear();
      for (const [key, value] of entries) {
        if (field.mapKind === "message") orderMaps(value as ReflectMessage);
        map.set(key, value);
      }
    }
  }
}
