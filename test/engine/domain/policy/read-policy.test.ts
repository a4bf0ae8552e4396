import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FailureMode, RuleState, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { digestOf } from "../../../../services/engine/domain/policy/policy-digest.js";
import { PolicyProblem, readPolicy } from "../../../../services/engine/domain/policy/read-policy.js";
import { writeShippedPolicy } from "../../../../services/engine/domain/policy/shipped-document.js";
import { shippedPolicy } from "../../../../services/engine/domain/policy/shipped-policy.js";

function problemOf(text: string): { line: number; problem: string } {
  try {
    readPolicy(text);
  } catch (error) {
    if (error instanceof PolicyProblem) return { line: error.line, problem: error.problem };
    throw error;
  }
  throw new Error("it was read");
}

describe("a policy document", () => {
  it("is read with the names of the contract, enums without their prefix", () => {
    const { policy } = readPolicy(`
description: Ours
rules:
  - id: own.project
    scopes: [INPUT, TOOL_CALL]
    condition: text.contains("zeta")
    severity: HIGH
    state: OFF
    failure_mode: OPEN
    message: A secret project.
    overridable: true
`);
    expect(policy).toMatchObject({
      description: "Ours",
      rules: [
        {
          id: "own.project",
          scopes: [Scope.INPUT, Scope.TOOL_CALL],
          severity: Severity.HIGH,
          state: RuleState.OFF,
          failureMode: FailureMode.OPEN,
          overridable: true,
        },
      ],
    });
  });

  it.each([
    ["an unknown field", "rules:\n  - id: a.b\n    colour: red\n", 3, "rules[0] has no field colour"],
    ["an unknown field above", "rules: []\nversion: 3\n", 2, "a policy has no field version"],
    [
      "an unknown state",
      "rules:\n  - id: a.b\n    state: MAYBE\n",
      3,
      "rules[0].state has to be one of OFF, SHADOW, ENFORCE",
    ],
    ["a number for a text", "rules:\n  - id: 7\n", 2, "rules[0].id has to be a text"],
    [
      "a text for a truth",
      "rules:\n  - id: a.b\n    overridable: 'yes'\n",
      3,
      "rules[0].overridable has to be true or false",
    ],
    ["a list that is none", "rules:\n  id: a.b\n", 2, "rules has to be a list"],
    ["an id that is none", "rules:\n  - id: ok.one\n  - id: Bad Id\n", 3, "rules[1].id"],
    ["a field twice", "description: a\ndescription: b\n", 2, "it is no YAML"],
    ["broken YAML", "rules: [\n", 2, "it is no YAML"],
    ["an alias", "rules: &x []\ndescription: *x\n", 2, "description has to be a text"],
    ["a text alone", "hello\n", 1, "a policy has to be a mapping"],
    ["too much", "#".repeat(70_000), 1, "it is longer than 65536 characters"],
  ])("with %s is refused with its line", (_, text, line, problem) => {
    const found = problemOf(text);
    expect(found.line).toBe(line);
    expect(found.problem).toContain(problem);
  });

  it("that is empty changes nothing", () => {
    expect(readPolicy("").policy.rules).toEqual([]);
  });

  it("either is read or refused with a line, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom("rules:\n  - id: ", "rules: ", ""), (text, head) => {
        try {
          readPolicy(head + text);
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyProblem);
          expect((error as PolicyProblem).line).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe("the shipped policy", () => {
  it("is published as a document that reads as what is in force", () => {
    const [file = "", text = ""] = [...writeShippedPolicy()][0] ?? [];
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(digestOf(readPolicy(text).policy)).toBe(digestOf(shippedPolicy));
  });

  it("has one digest, whatever the order of rules and scopes", () => {
    const rules = [...shippedPolicy.rules]
      .reverse()
      .map((rule) => ({ ...rule, scopes: [...rule.scopes].reverse() }));
    expect(digestOf({ ...shippedPolicy, rules, description: "other words" })).toBe(digestOf(shippedPolicy));
    const [first, ...others] = shippedPolicy.rules;
    const changed = { ...shippedPolicy, rules: [{ ...first!, state: RuleState.SHADOW }, ...others] };
    expect(digestOf(changed)).not.toBe(digestOf(shippedPolicy));
  });
});
