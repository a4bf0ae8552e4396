import { describe, expect, it } from "vitest";
import type { Layer } from "../../../services/kit/chain/chain.js";
import type { Hooks } from "../../../services/kit/chain/hooks.js";
import { getAgent, type Handler, pass, requestOf } from "./calls.js";

const later = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)));

/** Layers that note what they hear, and what differs from that by name. */
function noting(names: string, odd: Readonly<Record<string, Hooks<string>>> = {}) {
  const notes: string[] = [];
  const layers = [...names].map((name): Layer => {
    const hooks: Hooks<string> = {
      begin() {
        notes.push(`${name} begins`);
        return `${name}'s`;
      },
      served(response, _, state) {
        notes.push(`${state} served`);
        return response;
      },
      failed(error, _, state) {
        notes.push(`${state} failed: ${error}`);
      },
      ...odd[name],
    };
    return () => hooks;
  });
  const call = (handler: Handler = () => ({})) => pass(layers, requestOf(getAgent), handler);
  return { layers, notes, call };
}

const failing = () => {
  throw "handler";
};

describe("hooks", () => {
  it("hear of a call outermost first, and of its end innermost first, each with what it kept", async () => {
    const { notes, call } = noting("abc");
    await call(() => notes.push("handler"));
    expect(notes).toEqual([
      ...["a begins", "b begins", "c begins", "handler"],
      ...["c's served", "b's served", "a's served"],
    ]);
  });

  it("reach the handler without waiting for anybody", () => {
    const { notes, call } = noting("abc");
    void call();
    expect(notes).toEqual(["a begins", "b begins", "c begins"]);
  });

  it("wait for those that have to, in the same order", async () => {
    const { notes, call } = noting("abc", { b: { begin: () => later("late") } });
    await call(() => notes.push("handler"));
    expect(notes).toEqual([
      ...["a begins", "c begins", "handler"],
      ...["c's served", "late served", "a's served"],
    ]);
  });

  it.each([
    ["at once", failing],
    ["later", () => later(undefined).then(failing)],
  ])("hear of a failure %s", async (_, handler) => {
    const { notes, call } = noting("ab");
    await expect(call(handler)).rejects.toBe("handler");
    expect(notes.slice(2)).toEqual(["b's failed: handler", "a's failed: handler"]);
  });

  it.each([
    ["at once", () => failing()],
    ["later", () => later(undefined).then(failing)],
  ])("hear nothing of a call that they refuse %s, nor do those further in", async (_, begin) => {
    const { notes, call } = noting("abc", { b: { begin } });
    await expect(call(() => notes.push("handler"))).rejects.toBe("handler");
    expect(notes).toEqual(["a begins", "a's failed: handler"]);
  });

  it.each([
    ["at once", () => Promise.reject("other")],
    [
      "later",
      async () => {
        await later(undefined);
        throw "other";
      },
    ],
  ])("may put another error in place of the one they hear of %s", async (_, failed) => {
    const { notes, call } = noting("abc", { b: { failed } });
    await expect(call(failing)).rejects.toBe("other");
    expect(notes.slice(3)).toEqual(["c's failed: handler", "a's failed: other"]);
  });

  it("hold back the error until they have done what they have to", async () => {
    const { notes, call } = noting("ab", { b: { failed: () => later(undefined) } });
    await expect(call(failing)).rejects.toBe("handler");
    expect(notes.at(-1)).toBe("a's failed: handler");
  });

  it.each([
    ["at once", () => failing()],
    ["later", () => later(undefined).then(failing)],
  ])("turn an answer into a failure %s, of which those further out hear", async (_, served) => {
    const { notes, call } = noting("abc", { b: { served } });
    await expect(call()).rejects.toBe("handler");
    expect(notes.slice(3)).toEqual(["c's served", "a's failed: handler"]);
  });

  it("may answer in another's place", async () => {
    const { notes, call } = noting("ab", {
      b: { served: (response) => later({ ...response, header: new Headers({ mark: "1" }) }) },
    });
    expect((await call()).header.get("mark")).toBe("1");
    expect(notes.at(-1)).toBe("a's served");
  });

  it("keep their place among interceptors", async () => {
    const { layers, notes } = noting("ab");
    const [a, b] = layers as [Layer, Layer];
    const around: Layer = () => (next) => async (request) => {
      notes.push("around in");
      const response = await next(request);
      notes.push("around out");
      return response;
    };
    await pass([a, around, b], requestOf(getAgent));
    expect(notes).toEqual([
      ...["a begins", "around in", "b begins"],
      ...["b's served", "around out", "a's served"],
    ]);
  });
});
