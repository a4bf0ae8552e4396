import { describe, expect, it } from "vitest";
import { errorChain } from "../../services/kit/error-chain.js";
import { errors } from "../../services/kit/errors.js";

describe("errorChain", () => {
  it("describes an error and its causes, outermost first", () => {
    const refused = Object.assign(new TypeError("connect refused"), {
      code: "ECONNREFUSED",
      request: "the body",
    });
    const [outer, inner] = errorChain(errors.dependencyUnavailable({ dependency: "auth" }, refused));
    expect(outer).toMatchObject({ name: "ConnectError", message: "[unavailable] auth does not answer." });
    expect(inner).toMatchObject({ name: "TypeError", message: "connect refused", code: "ECONNREFUSED" });
    expect(inner?.stack).toMatch(/^at /);
    expect(Object.keys(inner ?? {})).toEqual(["name", "message", "code", "stack"]);
  });

  it("follows the errors of an AggregateError", () => {
    const names = errorChain(new AggregateError([new RangeError("a"), new SyntaxError("b")])).map(
      ({ name }) => name,
    );
    expect(names).toEqual(["AggregateError", "RangeError", "SyntaxError"]);
  });

  it("stops at a cycle and at the fifth error", () => {
    const cycle = new Error("a");
    cycle.cause = cycle;
    expect(errorChain(cycle)).toHaveLength(1);
    const deep = Array.from({ length: 20 }).reduce<Error>(
      (cause) => new Error("deep", { cause }),
      new Error("root"),
    );
    expect(errorChain(deep)).toHaveLength(5);
  });

  it("cuts long messages and stacks", () => {
    const long = new Error("m".repeat(100_000));
    long.stack = `Error: ${long.message}\n${"    at f (file.ts:1:1)\n".repeat(10_000)}`;
    const [logged] = errorChain(long);
    expect(logged?.message).toHaveLength(1_000);
    expect(logged?.stack?.length).toBeLessThanOrEqual(4_000);
    expect(logged?.stack).toMatch(/^at f /);
    expect(logged?.stack).not.toContain("mm");
  });

  it("masks secrets in messages and keeps the message out of the stack", () => {
    const [logged] = errorChain(new Error("password=hunter2\n    at the beach"));
    expect(logged?.message).toBe("password=[redacted]\n    at the beach");
    expect(logged?.stack).not.toContain("beach");
  });

  it("does not repeat the request that JSON.parse could not read", () => {
    const thrown = caught(() => JSON.parse("my diary, page one"));
    expect(JSON.stringify(errorChain(thrown))).not.toContain("diary");
  });

  it("survives an error that cannot be read", () => {
    const hostile = Object.defineProperty(new Error("x"), "message", { get: () => expect.fail("read") });
    expect(errorChain(hostile)).toMatchObject([{ name: "UnreadableError" }]);
  });

  it("says only the type of what is not an error", () => {
    expect(errorChain({ input: "my diary" })).toEqual([
      { name: "NotAnError", message: "a value of type object was thrown" },
    ]);
    expect(errorChain("my diary")[0]?.message).toBe("a value of type string was thrown");
  });
});

function caught(act: () => unknown): unknown {
  try {
    return act();
  } catch (thrown) {
    return thrown;
  }
}
