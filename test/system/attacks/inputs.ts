import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

/** Texts that mean something to whoever does not keep data and language apart. */
export const hostileTexts: readonly string[] = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what some loggers would look up.
  "'; drop table users; --\r\nset-cookie: stolen=1\r\n\r\n${jndi:ldap://127.0.0.1/x}{{7*7}}<script>",
  "' or '1'='1",
  "__proto__",
  "\u0000",
  "\ud800",
  "A".repeat(100_000),
];

/** Requests with one text in one field each, for every text field of a message and of those in it. */
export function requestsWith(text: string, message: DescMessage, depth = 3): object[] {
  if (depth === 0) return [];
  return message.fields.flatMap((field) =>
    valuesWith(text, field, depth).map((value) => ({ [field.jsonName]: value })),
  );
}

function valuesWith(text: string, field: DescField, depth: number): unknown[] {
  switch (field.fieldKind) {
    case "scalar":
      return isText(field.scalar) ? [text] : [];
    case "enum":
      return [text];
    case "message":
      return requestsWith(text, field.message, depth - 1);
    case "map":
      return [{ [text]: text }];
    case "list":
      if (field.listKind === "scalar") return isText(field.scalar) ? [[text]] : [];
      return field.listKind === "enum"
        ? [[text]]
        : requestsWith(text, field.message, depth - 1).map((one) => [one]);
  }
}

function isText(scalar: ScalarType): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}
