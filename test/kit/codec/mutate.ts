import type { Random } from "./random.js";

// Whole numbers beyond 2^53 are absent: protobuf-es rounds them where compiled codecs are exact.
const tokens = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "1",
  "01",
  "1.0",
  "1.5",
  "-1.25e-3",
  "1e3",
  "1E+2",
  "1e999",
  "4294967296",
  "2147483648",
  "0.1234567890123456789",
  '""',
  '"1"',
  '"-1"',
  '"01"',
  '"1.0"',
  '"1e1"',
  '" 1"',
  '"0x10"',
  '"NaN"',
  '"-Infinity"',
  '"18446744073709551616"',
  '"9223372036854775808"',
  '"QUI="',
  '"QUI"',
  '"_-_-"',
  '"+/+/"',
  '"Q"',
  '"QQ=="',
  '"QQ="',
  '"Q Q="',
  '"Q=Q="',
  '"COLOUR_RED"',
  '"COLOUR_NONE"',
  '"CLOSED_ONE"',
  '"2024-02-30T00:00:00Z"',
  '"2024-02-29T24:00:00Z"',
  '"2024-02-29T12:00:60Z"',
  '"2024-02-29T12:00:00.123456789+01:30"',
  '"1969-12-31T23:59:59.5Z"',
  '"9999-12-31T24:00:00Z"',
  '"2024-02-29t12:00:00z"',
  '"1s"',
  '"-0.5s"',
  '"1.5"',
  '"1.1234567890s"',
  '"315576000001s"',
  '"a,bC"',
  '"a_b"',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '"\\u0000\\n\\/"',
  '"\\x"',
  '"\u0001"',
  "{}",
  "[]",
  "[null]",
  "[1]",
  '{"a":1}',
  '{"a":1,"a":2}',
  '{"__proto__":1}',
  '{"":null}',
  '{"1":1,"01":2}',
  '{"@type":"type.googleapis.com/codec.v1.Tree","name":"x"}',
  "[[[[[[[[]]]]]]]]",
];

/** Text that is almost what it was: sometimes as good, often not. */
export function mutateText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  switch (random.below(8)) {
    case 0:
      return (
        text.slice(0, at) +
        random.pick([
          '"',
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          " ",
          "\n",
          "\t",
          "\\",
          "é",
          "\u0000",
          "\ud800",
          "0",
          "-",
        ]) +
        text.slice(at)
      );
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at);
    case 3:
      return replaceOne(
        text,
        /"[A-Za-z_]+":/g,
        random,
        (name) => `"${random.pick([snake, camel])(name.slice(1, -2))}":`,
      );
    case 4:
      return replaceOne(text, /"[A-Za-z_]+":/g, random, (name) => `${name}${random.pick(tokens)},${name}`);
    case 5:
      return replaceOne(
        text,
        /"[A-Za-z_]+":/g,
        random,
        (name) =>
          `${random.pick(['"unknown":', '"[codec.v1.extra]":', '"\\u0061String":'])}${random.pick(tokens)},${name}`,
      );
    case 6:
      return text.replaceAll(":", random.pick([" : ", ":\n", ":\r\n\t"]));
    default:
      return replaceOne(
        text,
        /(?<=[:[,])(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|\[\]|\{\})(?=[,\]}])/g,
        random,
        () => random.pick(tokens),
      );
  }
}

function replaceOne(
  text: string,
  pattern: RegExp,
  random: Random,
  change: (found: string) => string,
): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const { 0: match, index } = random.pick(found);
  return text.slice(0, index) + change(match) + text.slice(index + match.length);
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Bytes that are almost what they were. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const head = bytes.slice(0, at);
  const tail = bytes.slice(at);
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([head, Uint8Array.of(random.below(256)), tail.subarray(1)]);
    case 1:
      return head;
    case 2:
      // Once more: lists grow, messages merge, the last scalar wins.
      return Buffer.concat([bytes, bytes]);
    case 3:
      return Buffer.concat([
        head,
        Uint8Array.of(random.pick([0, 1, 0x7f, 0x80, 0xff, 0xef, 0xc3, 0xed])),
        tail,
      ]);
    case 4:
      return Buffer.concat([bytes, random.pick(additions)]);
    default:
      return Buffer.concat([head, tail.subarray(1)]);
  }
}

const additions = [
  // Unknown: a varint of nine bytes, a group, eight bytes, and an end without start.
  Uint8Array.of(0xc0, 0x3e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  Uint8Array.of(0xc3, 0x3e, 0x08, 0x01, 0xc4, 0x3e),
  Uint8Array.of(0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8),
  Uint8Array.of(0xc4, 0x3e),
  // Field 1 empty, with its length in two bytes; field 2 of another wire type; tag of field 0.
  Uint8Array.of(0x0a, 0x80, 0x00),
  Uint8Array.of(0x15, 1, 2, 3, 4),
  Uint8Array.of(0x00, 0x00),
  Uint8Array.of(0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01),
];
