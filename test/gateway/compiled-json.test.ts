import { create, type DescField, fromJson, type Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCompiledJsonCodec } from "../../services/gateway/compiled-json.js";
import { createJsonCodec } from "../../services/gateway/transcode/json.js";
import { mutateText } from "../kit/codec/mutate.js";
import { createRandom } from "../kit/codec/random.js";
import { sampleMessage } from "../kit/codec/sample.js";
import { messageOf, registry } from "./transcode/fixture.js";

const options = { registry, maxDepth: 64 };
const careful = createJsonCodec(options);
const compiled = createCompiledJsonCodec(options);
const everything = messageOf("Everything");
const targets: readonly (DescField | undefined)[] = [undefined, ...everything.fields];

const codings = targets.flatMap((field) =>
  [false, true].map((ignoreUnknown) => {
    const given = { ignoreUnknown, ...(field && { field }) };
    return {
      read: [careful.reader(everything, given), compiled.reader(everything, given)] as const,
      print: [careful.printer(everything, given), compiled.printer(everything, given)] as const,
    };
  }),
);

function outcome<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    return error instanceof ConnectError ? error.message : "a failure of ours";
  }
}

test("compiled code and the transcoder's own codec give the same messages, texts and errors", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = createRandom(seed);
      const { read, print } = random.pick(codings);
      const message = random.chance(0.1) ? create(everything) : sampleMessage(everything, random);
      const [text, ours] = print.map((write) => outcome(() => write(message)));
      expect(ours).toBe(text);
      for (const given of [String(text), mutateText(String(text), random)]) {
        const [expected, actual] = read.map((reader) => outcome(() => reader(given)));
        expect(actual).toEqual(expected);
      }
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  "18446744073709551615",
  "9007199254740993",
  "1e3",
  "1.0",
  "-0",
  "1.5",
  "1e308",
  "1e400",
  "-1e400",
  `1${"0".repeat(400)}`,
])("reads the number %s alike for every field", (number) => {
  for (const { read } of codings) {
    const [expected, actual] = read.map((reader) => outcome(() => reader(number)));
    expect(actual).toEqual(expected);
    const wrapped = `{"natural":${number},"any_json":${number},"detail":{"@type":"type.googleapis.com/fixture.v1.Shelf","size":${number}}}`;
    const [whole, ours] = read.map((reader) => outcome(() => reader(wrapped)));
    expect(ours).toEqual(whole);
  }
});

test.each([63, 64, 65])("takes nesting up to its bound: %i", (depth) => {
  const text = `{"shelf":${'{"inner":'.repeat(depth - 2)}{}${"}".repeat(depth - 2)}}`;
  const list = `{"any_json":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  for (const given of [text, list]) {
    const [expected, actual] = [careful, compiled].map((codec) =>
      outcome<Message | string>(() => codec.reader(everything, { ignoreUnknown: false })(given)),
    );
    expect(actual).toEqual(expected);
    expect(typeof actual).toBe(depth > 64 ? "string" : "object");
  }
});

test("prints a message that came from JSON as it was", () => {
  const message = fromJson(everything, { text: "a", at: "2026-11-21T07:00:00.5Z", counts: { a: "1" } });
  const text = compiled.printer(everything, {})(message as Message);
  expect(JSON.parse(text)).toMatchObject({ text: "a", at: "2026-11-21T07:00:00.500Z", counts: { a: "1" } });
});
