import { describe, expect, it } from "vitest";
import { RuleState, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { PolicyLoosened } from "../../../../services/engine/domain/policy/overlay.js";
import { effectivePolicy } from "../../../../services/engine/domain/policy/policy.js";
import { PolicyProblem, readPolicy } from "../../../../services/engine/domain/policy/read-policy.js";
import { layered, policyOf, ruleText } from "./policy-documents.js";

const of = (id: string, policy = effectivePolicy([])) => policy.policy.rules.find((rule) => rule.id === id);
const change = (fields: Readonly<Record<string, unknown>>) =>
  JSON.stringify({ rules: [{ id: "harm.fraud", ...fields }] });

describe("a document above others", () => {
  it("changes what it names and leaves the rest", () => {
    const policy = policyOf(change({ severity: "CRITICAL" }), "tenant");
    expect(of("harm.fraud", policy)).toEqual({ ...of("harm.fraud"), severity: Severity.CRITICAL });
    expect(policy.policy.rules).toHaveLength(effectivePolicy([]).policy.rules.length);
    expect(policy.layers.map(({ level }) => level)).toEqual(["shipped", "tenant"]);
    expect(policy.digest).not.toBe(effectivePolicy([]).digest);
  });

  it("adds a rule, in force and closed unless it says otherwise", () => {
    expect(of("own.rule", policyOf(ruleText({}), "agent"))).toMatchObject({
      scopes: [Scope.INPUT],
      state: RuleState.ENFORCE,
      overridable: false,
    });
  });

  it.each([
    ["goes off", { state: "OFF" }],
    ["goes into shadow", { state: "SHADOW" }],
    ["is less grave", { severity: "MEDIUM" }],
    ["fails open", { failure_mode: "OPEN" }],
    ["judges fewer scopes", { scopes: ["INPUT"] }],
    ["gets a condition", { condition: "length > 10" }],
    ["gets another detector", { detector: "harm.drugs" }],
    ["may be loosened", { overridable: true }],
  ])("is refused from a tenant when a rule %s, and not from the operator", (_, fields) => {
    expect(() => policyOf(change(fields), "tenant")).toThrow(PolicyLoosened);
    expect(() => policyOf(change(fields), "agent")).toThrow(PolicyLoosened);
    expect(of("harm.fraud", policyOf(change(fields), "operator"))).not.toEqual(of("harm.fraud"));
  });

  it.each([
    ["goes off", { state: "OFF" }],
    ["gets a condition", { condition: "length > 10" }],
    ["is less grave", { severity: "LOW" }],
  ])("may have it that a rule %s where the rule below is overridable", (_, fields) => {
    const open = change({ overridable: true });
    const policy = layered(["operator", open], ["tenant", change(fields)]);
    expect(of("harm.fraud", policy)).not.toEqual(of("harm.fraud", policyOf(open)));
  });

  it("may take from an overridable rule that it is", () => {
    const policy = layered(
      ["operator", change({ overridable: true })],
      ["tenant", change({ overridable: false })],
    );
    expect(of("harm.fraud", policy)?.overridable).toBe(false);
    expect(() =>
      layered(
        ["operator", change({ overridable: true })],
        ["tenant", change({ overridable: false })],
        ["agent", change({ state: "OFF" })],
      ),
    ).toThrow(PolicyLoosened);
  });

  it("tightens what the operator loosened", () => {
    const policy = layered(
      ["operator", change({ state: "SHADOW" })],
      ["tenant", change({ state: "ENFORCE" })],
    );
    expect(of("harm.fraud", policy)?.state).toBe(RuleState.ENFORCE);
  });

  it("that had its place leaves to the stricter rule what it no longer may", () => {
    const documents = [
      { level: "tenant" as const, version: 2, document: readPolicy(change({ severity: "CRITICAL" })) },
      { level: "agent" as const, version: 1, document: readPolicy(change({ severity: "HIGH" })) },
    ];
    expect(() => effectivePolicy(documents)).toThrow(PolicyLoosened);
    const policy = effectivePolicy(documents, { lenient: true });
    expect(of("harm.fraud", policy)?.severity).toBe(Severity.CRITICAL);
    expect(policy.leftOut).toEqual(["agent: harm.fraud: it is CRITICAL"]);
  });

  it.each([
    ["scopes", { scopes: [] }, "a new rule needs scopes"],
    ["a condition", { condition: "" }, "a new rule needs a detector or a condition"],
    ["a severity", { severity: undefined }, "a rule without a detector needs a severity"],
    ["a message", { message: "" }, "a new rule needs a message"],
    ["a known detector", { detector: "harm.unknown" }, "there is no detector harm.unknown"],
    ["scopes of its detector", { detector: "model.jailbreak", scopes: ["OUTPUT"] }, "does not look at each"],
    ["a sound condition", { condition: "nothing" }, "the condition cannot be: there is no fact nothing"],
  ])("has a new rule refused without %s", (_, fields, why) => {
    const attempt = () => policyOf(ruleText(fields));
    expect(attempt).toThrow(PolicyProblem);
    expect(attempt).toThrow(why);
  });

  it("has the same rule once", () => {
    const twice = JSON.stringify({ rules: [{ id: "harm.fraud" }, { id: "harm.fraud" }] });
    expect(() => policyOf(twice)).toThrow("harm.fraud stands there twice");
  });
});
