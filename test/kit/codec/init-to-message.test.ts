import { isDeepStrictEqual } from "node:util";
import { create, type DescMessage, isMessage, type Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageMaker } from "../../../services/kit/codec/codec.js";
import { compileInitToMessage } from "../../../services/kit/codec/init-to-message.js";
import { messageOf } from "./fixture.js";
import { createRandom, type Random } from "./random.js";
import { sampleMessage } from "./sample.js";

const names = ["Everything", "Scalars", "Optionals", "Lists", "Maps", "Choice", "WellKnown", "Tree", "Odd"];
const types = names.map(messageOf).map((desc) => ({ desc, make: compileInitToMessage(desc) }));

/** What a program may give in place of a message: parts of it plain, bytes as lists, fields left out or null. */
function loosened(value: unknown, random: Random): unknown {
  if (value instanceof Uint8Array) return random.chance(0.5) ? [...value] : value;
  if (Array.isArray(value)) return value.map((item) => loosened(item, random));
  if (typeof value !== "object" || value === null) return value;
  if (isMessage(value) && random.chance(0.2)) return value;
  const loose: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (name === "$typeName" && random.chance(0.7)) continue;
    if (!random.chance(0.1)) loose[name] = loosened(inner, random);
    else if (name !== "case" && random.chance(0.5)) loose[name] = random.pick([null, undefined]);
  }
  return loose;
}

describe("a message made by compiled code", () => {
  it("is what protobuf-es makes of the same, whatever is left out or plain", () => {
    let taken = 0;
    let all = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = createRandom(seed);
        const { desc, make } = random.pick(types);
        const init = loosened(sampleMessage(desc, random), random);
        const [ours, theirs] = [outcome(() => make?.(init)), outcome(() => create(desc, init as never))];
        if (theirs === failed) expect(ours).toBeUndefined();
        else if (ours !== undefined) expect(isDeepStrictEqual(ours, theirs)).toBe(true);
        if (theirs !== failed) all += 1;
        if (ours !== undefined) taken += 1;
      }),
      { numRuns: 600 },
    );
    expect(taken / all).toBeGreaterThan(0.7);
  });

  it("is the one given where that is a message already, parts of it too", () => {
    const tree = messageOf("Tree");
    const make = messageMaker(tree) as (init: unknown) => Message & { left?: unknown };
    const left = create(tree);
    expect(make(left)).toBe(left);
    expect(make({ left }).left).toBe(left);
  });

  it("leaves to protobuf-es what has defaults of its own, and nothing at all", () => {
    const old: DescMessage = messageOf("Old");
    expect(compileInitToMessage(old)).toBeUndefined();
    expect(messageMaker(old)({})).toEqual(create(old));
    expect(messageMaker(messageOf("Scalars"))(undefined as never)).toEqual(create(messageOf("Scalars")));
    expect(() => messageMaker(messageOf("Scalars"))(null as never)).toThrow(TypeError);
  });
});

const failed = Symbol("failed");

function outcome<T>(run: () => T): T | typeof failed {
  try {
    return run();
  } catch {
    return failed;
  }
}
