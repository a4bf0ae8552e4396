import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  setExtension,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { AnySchema, anyPack, TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { registry } from "./fixture.js";
import type { Random } from "./random.js";

const texts = [
  "",
  "a",
  "plain words",
  'quote " and \\ slash',
  "line\nfeed\ttab\u0000\u001f\u007f",
  "é",
  "日本語",
  "😀",
  "\u2028\u2029",
  "\ufeffmark",
  "\ufffd",
  "__proto__",
  "constructor",
  "1",
  "007",
  "1e3",
  "true",
  "null",
  "NaN",
  "x".repeat(47),
  "y".repeat(130),
  "z".repeat(300),
  "ü".repeat(70),
];
const doubles = [
  0,
  -0,
  1,
  -1,
  0.1,
  1.5,
  1e21,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  NaN,
  Infinity,
  -Infinity,
];
const floats = [0, -0, 1, 0.5, 0.1, 3.4028234663852886e38, 1e-45, NaN, Infinity, -Infinity, 16777217];
const int32s = [0, 1, -1, 127, 128, 16384, 2 ** 21, 2 ** 28, 2 ** 31 - 1, -(2 ** 31)];
const uint32s = [0, 1, 127, 128, 2 ** 28, 2 ** 31, 2 ** 32 - 1];
const int64s = [
  0n,
  1n,
  -1n,
  127n,
  128n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  -(2n ** 31n),
  2n ** 35n,
];
const uint64s = [0n, 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];

const scalars: Readonly<Record<ScalarType, (random: Random) => unknown>> = {
  [ScalarType.DOUBLE]: (random) => (random.chance(0.5) ? random.pick(doubles) : random.below(1e9) / 1024),
  [ScalarType.FLOAT]: (random) => (random.chance(0.5) ? random.pick(floats) : random.below(1e6) / 64),
  [ScalarType.INT32]: (random) => random.pick(int32s),
  [ScalarType.SINT32]: (random) => random.pick(int32s),
  [ScalarType.SFIXED32]: (random) => random.pick(int32s),
  [ScalarType.UINT32]: (random) => random.pick(uint32s),
  [ScalarType.FIXED32]: (random) => random.pick(uint32s),
  [ScalarType.INT64]: (random) => random.pick(int64s),
  [ScalarType.SINT64]: (random) => random.pick(int64s),
  [ScalarType.SFIXED64]: (random) => random.pick(int64s),
  [ScalarType.UINT64]: (random) => random.pick(uint64s),
  [ScalarType.FIXED64]: (random) => random.pick(uint64s),
  [ScalarType.BOOL]: (random) => random.chance(0.5),
  [ScalarType.STRING]: (random) => random.pick(texts),
  [ScalarType.BYTES]: (random) => Uint8Array.from({ length: random.below(9) }, () => random.below(256)),
};

const special: Readonly<Record<string, (random: Random, depth: number) => Message>> = {
  "google.protobuf.Timestamp": (random) =>
    create(TimestampSchema, {
      seconds: random.pick([0n, 1n, 1763700000n, -1n, -62135596800n, 253402300799n, 253402300800n]),
      nanos: random.pick([0, 1, 1000, 500_000_000, 123_456_000, 999_999_999, 1e9]),
    }),
  "google.protobuf.Any": (random, depth) => {
    if (random.chance(0.1)) return create(AnySchema);
    if (random.chance(0.05)) return create(AnySchema, { typeUrl: "type.googleapis.com/none.Such" });
    const name = random.pick([
      "codec.v1.Tree",
      "codec.v1.Scalars",
      "google.protobuf.Timestamp",
      "google.protobuf.Value",
    ]);
    const desc = registry.getMessage(name);
    return desc ? anyPack(desc, sampleMessage(desc, random, depth)) : create(AnySchema);
  },
  "google.protobuf.Value": (random, depth) => {
    if (random.chance(0.02)) return create(ValueSchema);
    const value = sampleMessage(ValueSchema, random, depth, true);
    return (value as { kind?: { case?: string } }).kind?.case
      ? value
      : create(ValueSchema, { kind: { case: "boolValue", value: true } });
  },
  "google.protobuf.Duration": (random, depth) => {
    const desc = registry.getMessage("google.protobuf.Duration") as DescMessage;
    if (random.chance(0.1)) return sampleMessage(desc, random, depth, true);
    const seconds = random.pick([0n, 1n, -1n, 3600n, 315576000000n]);
    const nanos = random.pick([0, 1, 500_000_000, 1000]) * (seconds < 0n ? -1 : 1);
    return Object.assign(create(desc), { seconds, nanos });
  },
  "google.protobuf.FieldMask": (random) => {
    const desc = registry.getMessage("google.protobuf.FieldMask") as DescMessage;
    const paths = Array.from({ length: random.below(3) }, () =>
      random.pick(["a", "a_b.c", "fooBar", "x__y"]),
    );
    return Object.assign(create(desc), { paths });
  },
};

/** A message with some of its fields set, often to values that are easily got wrong. */
export function sampleMessage(desc: DescMessage, random: Random, depth = 0, plain = false): Message {
  const make = plain ? undefined : special[desc.typeName];
  if (make) return make(random, depth + 1);
  const message = reflect(desc);
  const share = random.pick([0.05, 0.15, 0.4]) / (1 + depth / 2);
  for (const field of desc.fields) if (random.chance(share)) setField(message, field, random, depth);
  if (random.chance(0.03)) addUnknown(message.message, random);
  if (desc.typeName === "codec.v1.Old" && random.chance(0.1)) addExtensions(message.message, random);
  return message.message;
}

function setField(message: ReflectMessage, field: DescField, random: Random, depth: number): void {
  const size = () => random.pick([0, 1, 1, 1, 2, 2, 3, depth === 0 ? 18 : 1]);
  if (field.fieldKind === "list") {
    const list = message.get(field);
    for (let count = size(); count > 0; count--) list.add(sampleItem(field, random, depth));
  } else if (field.fieldKind === "map") {
    const map = message.get(field);
    for (let count = size(); count > 0; count--) {
      const key = scalars[field.mapKey](random) as string;
      map.set(key, sampleItem(field, random, depth));
    }
  } else message.set(field, sampleItem(field, random, depth) as never);
}

function sampleItem(field: DescField, random: Random, depth: number): unknown {
  if (field.message) return reflect(field.message, sampleMessage(field.message, random, depth + 1));
  if (field.enum) return field.enum.open && random.chance(0.1) ? 99 : random.pick(field.enum.values).number;
  return field.scalar ? scalars[field.scalar](random) : undefined;
}

function addUnknown(message: Message, random: Random): void {
  message.$unknown = [
    { no: 5000, wireType: 0, data: Uint8Array.of(random.below(128)) },
    { no: 5001, wireType: 2, data: Uint8Array.of(2, 65, 66) },
    { no: 5002, wireType: 5, data: Uint8Array.of(1, 2, 3, 4) },
  ].slice(random.below(3));
}

function addExtensions(message: Message, random: Random): void {
  const extra = registry.getExtension("codec.v1.extra");
  const extras = registry.getExtension("codec.v1.extras");
  if (extra) setExtension(message, extra, random.pick(texts) as never);
  if (extras) setExtension(message, extras, [1, -1] as never);
}
