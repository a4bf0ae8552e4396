import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConfigError,
  type ConfigProblem,
  configSource,
  flag,
  integer,
  json,
  number,
  oneOf,
  optionalText,
  type Setting,
  text,
} from "../../services/kit/config.js";

type Settings = Record<string, Setting<unknown>>;

function problemsOf(settings: Settings, environment: Record<string, string> = {}, yaml = "") {
  const source = configSource(environment, yaml);
  source.read(settings);
  return finishing(source);
}

function finishing(source: { finish(): void }): readonly ConfigProblem[] {
  try {
    source.finish();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

const readAs = (setting: Setting<unknown>, given: string) => {
  const source = configSource({ X: given });
  const { X } = source.read({ X: setting });
  return { value: X, wrong: finishing(source).length > 0 };
};

describe("a setting", () => {
  const port = { PORT: integer(0, 65_535, { fallback: 8000 }) };

  it("comes from the environment above the file above its default", () => {
    const read = (environment: Record<string, string>, yaml: string) =>
      configSource(environment, yaml).read(port).PORT;
    expect(read({ PORT: "1" }, "port: 2")).toBe(1);
    expect(read({}, "port: 2")).toBe(2);
    expect(read({}, "")).toBe(8000);
  });

  it("counts as not given when it is empty", () => {
    expect(configSource({ PORT: "" }, "port: 2").read(port).PORT).toBe(2);
    expect(configSource({ PORT: "" }, "port:").read(port).PORT).toBe(8000);
    expect(problemsOf({ NAME: text() }, { NAME: "" })).toEqual([
      { name: "NAME", value: "", expected: "a text" },
    ]);
  });

  it("has its name's parts nested in the file, as deep as one likes", () => {
    const settings = { ENGINE_MAX_DEPTH: integer(0, 9), LOG_LEVEL: text(), IDS: text() };
    const yaml = "engine:\n  max:\n    depth: 3\nlog_level: debug\nids: [a, b]\n";
    const source = configSource({}, yaml);
    expect(source.read(settings)).toEqual({ ENGINE_MAX_DEPTH: 3, LOG_LEVEL: "debug", IDS: '["a","b"]' });
    expect(finishing(source)).toEqual([]);
  });

  it("has its default for the time being when it is wrong", () => {
    expect(configSource({ PORT: "x" }).read(port).PORT).toBe(8000);
  });
});

describe("kinds of settings", () => {
  it.each([
    ["integer", integer(-5, 10), "7", 7],
    ["integer", integer(-5, 10), "-5", -5],
    ["number", number(0, 1), "0.25", 0.25],
    ["flag", flag(), "true", true],
    ["flag", flag(), "false", false],
    ["word", oneOf(["a", "b"]), "b", "b"],
    ["text", text(), "anything at all", "anything at all"],
    ["narrowed text", text({ accept: (value) => value.startsWith("http") }), "http://x", "http://x"],
    ["optional text", optionalText(), "x", "x"],
    ["JSON", json("a list", (value) => (Array.isArray(value) ? value : undefined)), "[1]", [1]],
  ])("%s: accepts %j as %j", (_, setting, given, value) => {
    expect(readAs(setting as Setting<unknown>, given)).toEqual({ value, wrong: false });
  });

  it.each([
    ["integer", integer(-5, 10), ["11", "-6", "1.5", "1e1", "80a0", " 7", "٣"]],
    ["number", number(0, 1), ["1.01", "-0.1", ".5", "1.", "NaN", "Infinity", "0x1"]],
    ["flag", flag(), ["yes", "True", "1"]],
    ["word", oneOf(["a", "b"]), ["c", "A", "a,b"]],
    ["narrowed text", text({ accept: (value) => value.startsWith("http") }), ["ftp://x"]],
    ["JSON", json("a list", (value) => (Array.isArray(value) ? value : undefined)), ["{", "{}", "1"]],
  ])("%s: refuses %j", (_, setting, given) => {
    for (const one of given) {
      expect(readAs(setting as Setting<unknown>, one), one).toEqual({ value: undefined, wrong: true });
    }
  });

  it("leave out what may be left out", () => {
    expect(configSource({}).read({ X: optionalText() })).toEqual({ X: undefined });
    expect(problemsOf({ X: optionalText() })).toEqual([]);
  });

  it("read back every whole number in range", () => {
    fc.assert(
      fc.property(fc.integer(), (given) => {
        const setting = integer(-(2 ** 31), 2 ** 31);
        expect(readAs(setting, String(given))).toEqual({ value: given, wrong: false });
      }),
    );
  });
});

describe("what is wrong", () => {
  it("is told all at once, with name, value and expectation", () => {
    const source = configSource({ AUTH_PORT: "80a0", MESH: "maybe" }, "log:\n  level: loud\nextra: 1\n");
    source.read({ AUTH_PORT: integer(0, 65_535), MESH: flag() });
    source.read({ LOG_LEVEL: oneOf(["info", "warn"]), REQUIRED: text() });
    source.refuse({ name: "A", value: "1", expected: "something that goes with B" });
    expect(finishing(source)).toEqual([
      { name: "AUTH_PORT", value: "80a0", expected: "a whole number from 0 to 65535" },
      { name: "MESH", value: "maybe", expected: "true or false" },
      { name: "LOG_LEVEL", value: "loud", expected: "one of info, warn" },
      { name: "REQUIRED", value: "", expected: "a text" },
      { name: "A", value: "1", expected: "something that goes with B" },
      { name: "EXTRA", value: "(hidden)", expected: "a setting that exists" },
    ]);
  });

  it("reads as one line per problem", () => {
    const error = new ConfigError([
      { name: "AUTH_PORT", value: "80a0", expected: "a whole number from 0 to 65535" },
      { name: "MESH", value: "maybe", expected: "true or false" },
    ]);
    expect(error.message).toBe(
      "AUTH_PORT=80a0: expected a whole number from 0 to 65535\nMESH=maybe: expected true or false",
    );
  });

  it("never shows the value of a secret", () => {
    const accept = () => false;
    const [problem] = problemsOf({ KEY: text({ secret: true, accept }) }, { KEY: "hunter2" });
    expect(problem).toMatchObject({ name: "KEY", value: "(hidden)" });
  });

  it("never shows what stands under a misspelt name, as that may be a secret", () => {
    expect(problemsOf({}, {}, "peer_secert: hunter2")).toEqual([
      { name: "PEER_SECERT", value: "(hidden)", expected: "a setting that exists" },
    ]);
  });

  it("can be the file itself, whose text is not shown", () => {
    const broken = problemsOf({}, {}, "auth:\n  secret: 'hunter2\n");
    expect(broken).toHaveLength(1);
    expect(broken[0]).toMatchObject({ name: "CONFIG", value: expect.stringMatching(/^line \d+$/) });
    expect(problemsOf({}, {}, "hunter2")).toMatchObject([{ name: "CONFIG", value: "(hidden)" }]);
    expect(problemsOf({}, {}, "- 1\n")).toMatchObject([{ name: "CONFIG", value: "(hidden)" }]);
  });

  it("is nothing for names in the environment that nobody reads", () => {
    expect(problemsOf({}, { PATH: "/bin" })).toEqual([]);
  });

  it("is nothing for an empty file", () => {
    for (const yaml of ["", "# nothing\n", "---\n"]) expect(problemsOf({}, {}, yaml)).toEqual([]);
  });

  it("is nothing for settings of workloads that run in other processes", () => {
    const source = configSource({}, "engine:\n  depth: 1\nengin: 1\n");
    expect(() => source.finish(["ENGINE_"])).toThrow(/^ENGIN=/);
    expect(() => configSource({}, "engine: {depth: 1}").finish(["ENGINE_"])).not.toThrow();
  });
});
