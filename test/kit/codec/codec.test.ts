import { create, fromBinary, fromJsonString, type Message, toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileBinaryToJson } from "../../../services/kit/codec/binary-to-json.js";
import { createCodecs } from "../../../services/kit/codec/codec.js";
import { compileJsonToBinary } from "../../../services/kit/codec/json-to-binary.js";
import { compileJsonToMessage } from "../../../services/kit/codec/json-to-message.js";
import { compileMessageToJson } from "../../../services/kit/codec/message-to-json.js";
import { messageOf, registry } from "./fixture.js";

const scalars = messageOf("Scalars");
const tree = messageOf("Tree");
const maps = messageOf("Maps");
const wellKnown = messageOf("WellKnown");
const reading = { registry, unknown: "refuse", depthLimit: 100 } as const;
const codecs = createCodecs({ registry });

/** What compiled code alone makes of the text: a message, or undefined when it declines. */
const compiledRead = (desc: typeof scalars, text: string | Uint8Array) =>
  compileJsonToMessage(desc, reading)?.(text);

function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return String(error);
  }
  throw new Error("expected an error");
}

test("room for a header holds zeros, whatever was written before", () => {
  const codec = codecs(scalars);
  const message = create(scalars, { aInt64: 1n });
  for (let round = 0; round < 2; round += 1) {
    expect([...codec.writeBinary(message, 5).subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
    expect([...codec.jsonToBinary('{"aInt64":"1"}', 5).subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
    codec.writeBinary(message);
  }
});

describe("64-bit integers", () => {
  test("are exact when JSON has them as numbers", () => {
    const message = codecs(scalars).readJson(
      '{"aInt64":-9223372036854775808,"aUint64":18446744073709551615}',
    );
    expect(message).toMatchObject({ aInt64: -(2n ** 63n), aUint64: 2n ** 64n - 1n });
    const bytes = codecs(scalars).jsonToBinary('{"aInt64":9007199254740993,"longText":9007199254740993}');
    expect(fromBinary(scalars, bytes)).toMatchObject({
      aInt64: 9007199254740993n,
      longText: "9007199254740993",
    });
  });

  test("that are held as text keep what protobuf-es keeps of it", () => {
    for (const text of ['{"longText":"-0"}', '{"longText":-0}', '{"longText":"007"}']) {
      expect(codecs(scalars).readJson(text)).toEqual(fromJsonString(scalars, text));
    }
  });

  test.each(["9223372036854775808", "-9223372036854775809", "99999999999999999999999"])(
    "beyond their range are refused: %s",
    (digits) => {
      expect(() => codecs(scalars).readJson(`{"aInt64":"${digits}"}`)).toThrow("a_int64");
      expect(() => codecs(scalars).jsonToBinary(`{"aInt64":"${digits}"}`)).toThrow("a_int64");
    },
  );
});

describe("what protobuf-es refuses is refused with its words:", () => {
  test.each([
    ["a name given twice", '{"aBool":true,"aBool":true}'],
    ["both spellings of a field", '{"aBool":true,"a_bool":true}'],
    ["an unknown field", '{"unknown":1}'],
    ["a string for a number", '{"aInt32":"one"}'],
    ["a lone surrogate", '{"aString":"\\ud800"}'],
    ["Base64 of no alphabet", '{"aBytes":"?"}'],
    ["an infinite number", '{"aDouble":1e999}'],
    ["a float out of range", '{"aFloat":3.5e38}'],
    ["no JSON", '{"aBool":true'],
    ["something after the end", '{"aBool":true}\u0000'],
    ["a list", "[]"],
    ["nothing", ""],
  ])("%s", (_, text) => {
    const expected = errorOf(() => fromJsonString(scalars, text, { registry }));
    expect(errorOf(() => codecs(scalars).readJson(text))).toBe(expected);
    expect(errorOf(() => codecs(scalars).jsonToBinary(text))).toBe(expected);
  });

  test("text that is not UTF-8", () => {
    const text = Buffer.from([...Buffer.from('{"aString":"'), 0xff, ...Buffer.from('"}')]);
    expect(() => codecs(scalars).readJson(text)).toThrow();
    expect(() => codecs(scalars).jsonToBinary(text)).toThrow();
  });

  test("a string field that is not UTF-8", () => {
    const bytes = Uint8Array.of(0x72, 1, 0xff);
    const expected = errorOf(() => fromBinary(scalars, bytes));
    expect(errorOf(() => codecs(scalars).readBinary(bytes))).toBe(expected);
    expect(errorOf(() => codecs(scalars).binaryToJson(bytes))).toBe(expected);
  });

  test("a message without its required fields", () => {
    const strict = messageOf("Strict");
    const expected = errorOf(() => toBinary(strict, create(strict)));
    expect(errorOf(() => codecs(strict).jsonToBinary("{}"))).toBe(expected);
    expect(errorOf(() => codecs(strict).writeBinary(create(strict)))).toBe(expected);
    expect(() => codecs(strict).writeJson(create(strict))).toThrow("required");
  });

  test("a message of another type", () => {
    expect(() => codecs(tree).writeBinary(create(scalars) as Message as never)).toThrow();
    expect(() => codecs(tree).writeJson(create(scalars) as Message as never)).toThrow();
  });
});

describe("nesting", () => {
  const nested = (depth: number) => `${'{"left":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;

  test("of 100 messages is read, of 101 refused", () => {
    const bytes = codecs(tree).jsonToBinary(nested(100));
    expect(toJsonString(tree, codecs(tree).readBinary(bytes))).toBe(nested(100));
    expect(codecs(tree).binaryToJson(bytes)).toBe(nested(100));
    expect(() => codecs(tree).readJson(nested(101))).toThrow("maximum recursion depth of 100");
    expect(() => codecs(tree).jsonToBinary(nested(101))).toThrow("maximum recursion depth of 100");
  });

  test("of binary is bounded too", () => {
    const wrap = (bytes: Uint8Array) =>
      toBinary(tree, { ...create(tree), left: fromBinary(tree, bytes) } as never);
    let bytes = toBinary(tree, create(tree));
    for (let depth = 1; depth < 100; depth++) bytes = wrap(bytes);
    const tooDeep = Buffer.concat([
      Uint8Array.of(0x12, 0x80 | (bytes.length & 127), bytes.length >> 7),
      bytes,
    ]);
    expect(() => codecs(tree).readBinary(tooDeep)).toThrow("maximum recursion depth of 100");
    expect(() => codecs(tree).binaryToJson(tooDeep)).toThrow("maximum recursion depth of 100");
  });

  test("deeper than any stack is refused", () => {
    expect(() => codecs(wellKnown).readJson(`{"anyJson":${"[".repeat(1e5)}${"]".repeat(1e5)}}`)).toThrow();
  });
});

describe("sizes", () => {
  test.each([100, 9_000, 70_000, 3_000_000])(
    "texts of %i characters are coded, and short ones after",
    (length) => {
      for (const name of ["x".repeat(length), "é".repeat(length), '"'.repeat(length), "x"]) {
        const text = JSON.stringify({ name });
        expect(codecs(tree).readJson(text)).toMatchObject({ name });
        expect(codecs(tree).binaryToJson(codecs(tree).jsonToBinary(text))).toBe(text);
      }
    },
  );

  test("a map of many keys is read by compiled code, and a key given twice is refused", () => {
    const names = Array.from({ length: 500 }, (_, index) => `k${index}`);
    const text = JSON.stringify({ strings: Object.fromEntries(names.map((name) => [name, name])) });
    const bytes = compileJsonToBinary(maps, reading)?.(text, 0);
    expect(bytes && toJsonString(maps, fromBinary(maps, bytes))).toBe(text);
    expect(() => codecs(maps).jsonToBinary(text.replace('"k499":', '"k7":'))).toThrow('"k7"');
    expect(() => codecs(maps).jsonToBinary(text.replace('"k2":', '"k1":'))).toThrow('"k1"');
  });

  test("room is left in front of the binary format", () => {
    const framed = codecs(tree).jsonToBinary('{"name":"x"}', 5);
    expect([...framed.subarray(5)]).toEqual([10, 1, 120]);
    expect([...codecs(tree).writeBinary(codecs(tree).readJson('{"name":"x"}'), 5).subarray(5)]).toEqual([
      10, 1, 120,
    ]);
  });
});

test("fields that a message does not have are kept in binary, and ignored in JSON", () => {
  const bytes = Uint8Array.of(0x0a, 1, 0x61, 0xc0, 0x3e, 7);
  const message = codecs(tree).readBinary(bytes);
  expect(message.$unknown).toEqual(fromBinary(tree, bytes).$unknown);
  expect([...codecs(tree).writeBinary(message)]).toEqual([...bytes]);
  expect(codecs(tree).binaryToJson(bytes)).toBe('{"name":"a"}');
});

test("unknown members are skipped where they are ignored, but not given twice", () => {
  const { readJson } = createCodecs({ ignoreUnknownFields: true })(tree);
  expect(readJson('{"more":{"deep":[1,"two",null]},"name":"x","most":[]}')).toMatchObject({ name: "x" });
  expect(() => readJson('{"more":1,"name":"x","more":2}')).toThrow("duplicate");
});

test("both spellings of names are read, in any order and with any space", () => {
  const text = '\t{ "a_int32" :\n1 , "aBool":true,"a_string"\r\n:"x" } ';
  expect(compiledRead(scalars, text)).toMatchObject({ aInt32: 1, aBool: true, aString: "x" });
  expect(compiledRead(scalars, Buffer.from(text))).toMatchObject({ aInt32: 1, aBool: true, aString: "x" });
});

test("Base64 of both alphabets is read, padded or not", () => {
  for (const text of ["-_8=", "+/8=", "-_8", "+/8"]) {
    expect(compiledRead(scalars, `{"aBytes":"${text}"}`)).toMatchObject({
      aBytes: Uint8Array.of(0xfb, 0xff),
    });
  }
});

test("a field alone is read and printed as its route needs it", () => {
  const field = maps.fields.find(({ name }) => name === "counts");
  const printing = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
  const message = compileJsonToMessage(maps, reading, field)?.('{"a":1}');
  expect(message).toMatchObject({ counts: { a: 1n } });
  expect(message && compileMessageToJson(maps, printing, field)?.(message)).toBe('{"a":"1"}');
  const unset = wellKnown.fields.find(({ name }) => name === "at");
  expect(compileMessageToJson(wellKnown, printing, unset)?.(create(wellKnown))).toBe("null");
});

test("fields out of order become JSON in order", () => {
  const bytes = Uint8Array.of(0x12, 0, 0x0a, 1, 0x61, 0x0a, 1, 0x62);
  const printing = { registry, useProtoFieldName: false, alwaysEmitImplicit: false, depthLimit: 100 };
  expect(compileBinaryToJson(tree, printing)?.(bytes)).toBeUndefined();
  expect(codecs(tree).binaryToJson(bytes)).toBe('{"name":"b","left":{}}');
});

test("without compiled code, protobuf-es does the same", () => {
  const plain = createCodecs({ registry, compiled: false })(tree);
  const bytes = plain.jsonToBinary('{"name":"x"}', 2);
  expect([...bytes.subarray(2)]).toEqual([10, 1, 120]);
  expect(plain.binaryToJson(bytes.subarray(2))).toBe('{"name":"x"}');
  expect(plain.readJson(Buffer.from('{"name":"é"}'))).toMatchObject({ name: "é" });
});
