import { type DescField, type JsonObject, ScalarType } from "@bufbuild/protobuf";

const integer32 = { type: "integer", format: "int32", minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const unsigned32 = { type: "integer", format: "uint32", minimum: 0, maximum: 2 ** 32 - 1 };
// A JSON number would lose digits beyond 2^53.
const integer64 = { type: "string", format: "int64", pattern: "^-?[0-9]{1,19}$" };
const unsigned64 = { type: "string", format: "uint64", pattern: "^[0-9]{1,20}$" };

const scalars: Record<ScalarType, JsonObject> = {
  [ScalarType.STRING]: { type: "string" },
  [ScalarType.BOOL]: { type: "boolean" },
  [ScalarType.BYTES]: { type: "string", contentEncoding: "base64" },
  [ScalarType.DOUBLE]: { type: "number", format: "double" },
  [ScalarType.FLOAT]: { type: "number", format: "float" },
  [ScalarType.INT32]: integer32,
  [ScalarType.SINT32]: integer32,
  [ScalarType.SFIXED32]: integer32,
  [ScalarType.UINT32]: unsigned32,
  [ScalarType.FIXED32]: unsigned32,
  [ScalarType.INT64]: integer64,
  [ScalarType.SINT64]: integer64,
  [ScalarType.SFIXED64]: integer64,
  [ScalarType.UINT64]: unsigned64,
  [ScalarType.FIXED64]: unsigned64,
};

const messages: Readonly<Record<string, JsonObject>> = {
  Timestamp: { type: "string", format: "date-time" },
  Duration: { type: "string", pattern: "^-?[0-9]{1,12}(?:\\.[0-9]{1,9})?s$" },
  FieldMask: { type: "string" },
  Empty: { type: "object" },
  Struct: { type: "object", additionalProperties: true },
  ListValue: { type: "array", items: {} },
  Value: {},
  Any: {
    type: "object",
    properties: { "@type": { type: "string" } },
    required: ["@type"],
    additionalProperties: true,
  },
};

/** How JSON shows a scalar. */
export function scalarSchema(scalar: ScalarType): JsonObject {
  return scalars[scalar];
}

/** How JSON shows a message of `google.protobuf` or `google.api.HttpBody`; undefined for others. */
export function wellKnownSchema({ message }: Pick<DescField, "message">): JsonObject | undefined {
  if (!message) return undefined;
  const [name, wrapped] = [message.typeName.replace(/^google\.protobuf\./, ""), message.fields[0]];
  if (name === message.typeName) return undefined;
  const isWrapper = name.endsWith("Value") && message.fields.length === 1 && wrapped?.name === "value";
  return isWrapper && wrapped.scalar ? scalars[wrapped.scalar] : messages[name];
}
