import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Basis,
  FailureMode,
  type Opinion,
  OpinionOutcome,
  OpinionSchema,
  RuleState,
  Scope,
  Severity,
  type Violation,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { categories } from "../../../../services/engine/domain/judges/llm/prompt.js";
import { ruleCatalogue } from "../../../../services/engine/domain/judges/rules/catalogue.js";
import { modelRules } from "../../../../services/engine/domain/judges/rules/model.js";
import { blocks } from "../../../../services/engine/domain/judges/severity.js";
import type { Told } from "../../../../services/engine/domain/policy/compile-rules.js";
import type { EffectivePolicy } from "../../../../services/engine/domain/policy/policy.js";
import { weighOpinion, withSecondOpinion } from "../../../../services/engine/domain/policy/second-opinion.js";
import { never, shippedRules } from "../../fixture.js";
import { policyOf, ruleText } from "./policy-documents.js";

const { HARMLESS, DOUBTFUL, HARMFUL, FAILED } = OpinionOutcome;

const hit = (ruleId: string, category: string, severity: Severity, basis: Basis, scope = Scope.INPUT) =>
  create(ViolationSchema, { ruleId, category, severity, basis, scope });
const warning = hit(modelRules.hate.id, "harm", Severity.MEDIUM, Basis.MODEL);
const jailbreak = hit(modelRules.jailbreak.id, "injection", Severity.MEDIUM, Basis.MODEL);
const ofHead = hit(modelRules.hate.id, "harm", Severity.HIGH, Basis.MODEL);
const fraud = hit("harm.fraud", "harm", Severity.HIGH, Basis.RULES);

const told = (hits: readonly Violation[], facts: Partial<Told["facts"]> = {}): Told => ({
  facts: {
    text: "a text",
    scope: Scope.INPUT,
    agentId: "",
    contextKeys: [],
    strictness: 0.9,
    hits: hits.map(({ ruleId }) => ruleId),
    ...facts,
  },
  hits,
  failed: new Set(),
  headsFailed: false,
});
const opinion = (fields: MessageInitShape<typeof OpinionSchema>): Opinion => create(OpinionSchema, fields);
const harmless = opinion({ outcome: HARMLESS, certainty: 0.95, lowers: true });
const crime = (severity: Severity) => opinion({ outcome: HARMFUL, categories: ["crime"], severity });
const weigh = (
  hits: readonly Violation[],
  said: Opinion,
  { policy = shippedRules, failsClosed = false, facts = {} } = {},
) => {
  const all = told(hits, facts);
  return weighOpinion(policy.rule(all), said, all, { policy, failsClosed });
};
const idsOf = (violations: readonly Violation[]) => violations.map(({ ruleId }) => ruleId);

describe("an opinion that finds harm", () => {
  it.each([Severity.HIGH, Severity.MEDIUM, Severity.LOW])(
    "adds a hit as grave as it says: %s",
    (severity) => {
      const { ruling } = weigh([], crime(severity));
      expect(ruling.violations).toMatchObject([
        { ruleId: "llm.harm", category: "harm", severity, basis: Basis.LLM, scope: Scope.INPUT },
      ]);
    },
  );

  it("is of the rule about injection where it finds one, and of both where it finds both", () => {
    const both = opinion({ outcome: HARMFUL, categories: ["hate", "injection"], severity: Severity.HIGH });
    expect(idsOf(weigh([], both).ruling.violations)).toEqual(["llm.harm", "llm.injection"]);
    const one = opinion({ ...both, categories: ["injection"] });
    expect(idsOf(weigh([], one).ruling.violations)).toEqual(["llm.injection"]);
  });

  it("counts as the policy has it", () => {
    const rule = (fields: object) => policyOf(JSON.stringify({ rules: [{ id: "llm.harm", ...fields }] }));
    const severityIn = (policy: EffectivePolicy, said: Opinion) =>
      weigh([], said, { policy }).ruling.violations[0]?.severity;
    expect(severityIn(rule({ severity: "MEDIUM" }), crime(Severity.HIGH))).toBe(Severity.MEDIUM);
    expect(severityIn(rule({ severity: "CRITICAL" }), crime(Severity.HIGH))).toBe(Severity.CRITICAL);
    // Unsure of it, a model only warns, whatever the rule says.
    expect(severityIn(rule({ severity: "CRITICAL" }), crime(Severity.MEDIUM))).toBe(Severity.MEDIUM);
    expect(severityIn(rule({ state: "OFF" }), crime(Severity.HIGH))).toBeUndefined();
    const shadow = weigh([], crime(Severity.HIGH), { policy: rule({ state: "SHADOW" }) }).ruling;
    expect([idsOf(shadow.violations), idsOf(shadow.shadow)]).toEqual([[], ["llm.harm"]]);
  });

  it("is seen by conditions, which make it no graver than it is sure", () => {
    const policy = policyOf(
      ruleText({ condition: 'hits.exists(one, one == "llm.harm")', severity: "CRITICAL" }),
    );
    const of = (severity: Severity) =>
      weigh([], crime(severity), { policy }).ruling.violations.find(({ ruleId }) => ruleId === "own.rule");
    expect(of(Severity.HIGH)).toMatchObject({ severity: Severity.CRITICAL, basis: Basis.RULES });
    expect(of(Severity.MEDIUM)).toMatchObject({ severity: Severity.MEDIUM, basis: Basis.LLM });
  });
});

describe("an opinion that finds no harm", () => {
  it("makes notes of heads' warnings about harm, and says of which", () => {
    const { ruling, opinion: noted } = weigh([warning], harmless);
    expect(ruling.violations).toMatchObject([
      { ruleId: "model.hate", severity: Severity.LOW, loweredFrom: Severity.MEDIUM, basis: Basis.MODEL },
    ]);
    expect(noted.loweredRules).toEqual(["model.hate"]);
  });

  it.each<[string, readonly Violation[], Opinion, EffectivePolicy?]>([
    ["a head's block", [ofHead], harmless],
    ["a rule's block", [fraud], harmless],
    ["a warning about injection", [jailbreak], harmless],
    ["a warning beside one about injection", [warning, jailbreak], harmless],
    ["a warning where it is not sure", [warning], opinion({ outcome: HARMLESS, certainty: 0.5 })],
    [
      "a warning where its rule is in SHADOW",
      [warning],
      harmless,
      policyOf('{"rules": [{"id": "llm.harm", "state": "SHADOW"}]}'),
    ],
    [
      "what the policy itself says of heads",
      [],
      harmless,
      policyOf(ruleText({ condition: "ethical_strictness > 0.0 && size(hits) == 0", severity: "MEDIUM" })),
    ],
  ])("leaves %s as it is", (_, hits, said, policy = shippedRules) => {
    const before = policy.rule(told(hits)).violations;
    const { ruling, opinion: noted } = weigh(hits, said, { policy });
    expect(before.length).toBeGreaterThan(0);
    expect(ruling.violations).toEqual(before);
    expect(noted.loweredRules).toEqual([]);
  });
});

describe("an opinion that failed", () => {
  const failed = opinion({ outcome: FAILED, failure: "timeout" });
  const modes = (result: ReturnType<typeof weigh>) =>
    result.ruling.failures.map(({ ruleId, failureMode }) => [ruleId, failureMode]);

  it("leaves what judges said, and is a failure of its rules, open as shipped", () => {
    const result = weigh([warning], failed);
    expect(result.ruling.violations).toEqual(shippedRules.rule(told([warning])).violations);
    expect(modes(result)).toEqual([
      ["llm.harm", FailureMode.OPEN],
      ["llm.injection", FailureMode.OPEN],
    ]);
  });

  it("is closed where the configuration closes it, and where the policy does", () => {
    expect(modes(weigh([], failed, { failsClosed: true }))).toEqual([
      ["llm.harm", FailureMode.CLOSED],
      ["llm.injection", FailureMode.CLOSED],
    ]);
    const policy = policyOf('{"rules": [{"id": "llm.harm", "failure_mode": "CLOSED"}]}', "tenant");
    expect(modes(weigh([], failed, { policy }))).toEqual([
      ["llm.harm", FailureMode.CLOSED],
      ["llm.injection", FailureMode.OPEN],
    ]);
  });

  it("does not blind conditions on what hits", () => {
    const policy = policyOf(ruleText({ condition: "size(hits) > 0" }));
    const { failures } = weigh([], failed, { policy }).ruling;
    expect(failures.map(({ ruleId }) => ruleId)).not.toContain("own.rule");
  });
});

describe("asking for an opinion", () => {
  const asked = async (hits: readonly Violation[], { policy = shippedRules, facts = {} } = {}) => {
    const seen: boolean[] = [];
    const ask = async ({ uncertain }: { uncertain: boolean }) => {
      seen.push(uncertain);
      return undefined;
    };
    const all = told(hits, facts);
    await withSecondOpinion(policy.rule(all), all, { ask, failsClosed: false, policy }, never);
    return seen;
  };

  it("says whether heads are uncertain", async () => {
    expect(await asked([])).toEqual([false]);
    expect(await asked([warning])).toEqual([true]);
    const escalating = policyOf(
      ruleText({ condition: 'hits.exists(one, one == "model.hate")', severity: "LOW" }),
    );
    expect(await asked([warning], { policy: escalating })).toEqual([true]);
  });

  it("is left out where it could change nothing", async () => {
    expect(await asked([fraud])).toEqual([]);
    expect(await asked([ofHead])).toEqual([]);
    const evidence = { facts: { scope: Scope.EVIDENCE } };
    expect(await asked([{ ...ofHead, scope: Scope.EVIDENCE, ruleId: "model.jailbreak" }], evidence)).toEqual(
      [],
    );
    const off = (id: string) => ({ id, state: "OFF" });
    const policy = policyOf(JSON.stringify({ rules: [off("llm.harm"), off("llm.injection")] }));
    expect(await asked([warning], { policy })).toEqual([]);
  });

  it("asks at a strictness at which only a head's warning blocks", async () => {
    expect(await asked([warning], { facts: { strictness: 0.95 } })).toEqual([true]);
    expect(await asked([jailbreak], { facts: { strictness: 0.95 } })).toEqual([]);
  });
});

describe("no opinion", () => {
  const opinions = fc
    .record({
      outcome: fc.constantFrom(HARMLESS, DOUBTFUL, HARMFUL, FAILED, OpinionOutcome.NOT_ON_RECORD),
      categories: fc.subarray([...categories, "unheard_of"]),
      certainty: fc.double({ min: 0, max: 1, noNaN: true }),
      severity: fc.constantFrom(undefined, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL),
      lowers: fc.boolean(),
    })
    .map(({ severity, ...rest }) => opinion({ ...rest, ...(severity === undefined ? {} : { severity }) }));
  const rules = [...ruleCatalogue, ...Object.values(modelRules)].filter(
    ({ category }) => category !== "personal_data",
  );
  const hits = fc.subarray([...rules], { maxLength: 5 }).chain((some) =>
    fc.tuple(
      ...some.map(({ id, category, severity }) => {
        const said = id.startsWith("model.") ? [Severity.MEDIUM, Severity.HIGH] : [severity];
        const basis = id.startsWith("model.") ? Basis.MODEL : Basis.RULES;
        return fc.constantFrom(...said).map((one) => hit(id, category, one, basis));
      }),
    ),
  );
  const policies = [
    shippedRules,
    policyOf(ruleText({ condition: '!hits.exists(one, one.startsWith("llm."))', severity: "CRITICAL" })),
    policyOf(ruleText({ condition: "size(hits) < 2", severity: "HIGH" })),
    policyOf(
      '{"rules": [{"id": "llm.harm", "severity": "LOW"}, {"id": "llm.injection", "state": "SHADOW"}]}',
    ),
  ];

  it("takes back a rule's block, or makes any word of a rule less grave", () => {
    const setting = fc.record({
      hits,
      said: opinions,
      policy: fc.constantFrom(...policies),
      strictness: fc.constantFrom(0, 0.5, 0.9, 0.95, 1),
      failsClosed: fc.boolean(),
    });
    fc.assert(
      fc.property(setting, ({ hits, said, policy, strictness, failsClosed }) => {
        const facts = { strictness };
        const before = policy.rule(told(hits, facts)).violations;
        const after = weigh(hits, said, { policy, failsClosed, facts }).ruling.violations;
        for (const one of before.filter(({ basis }) => basis === Basis.RULES)) {
          const same = after.filter(({ ruleId }) => ruleId === one.ruleId);
          expect(Math.max(...same.map(({ severity }) => severity))).toBeGreaterThanOrEqual(one.severity);
        }
        const blocked = (violations: readonly Violation[], basis: Basis) =>
          violations.some((one) => one.basis === basis && blocks(one, strictness));
        if (blocked(before, Basis.RULES)) expect(blocked(after, Basis.RULES)).toBe(true);
        // Nor a head's, above its threshold of false positives.
        const firm = before.filter((one) => one.basis === Basis.MODEL && one.severity >= Severity.HIGH);
        expect(after).toEqual(expect.arrayContaining(firm));
      }),
      { numRuns: 500 },
    );
  });
});

it("shipped rules of a model count, and are open", () => {
  const rules = shippedRules.policy.rules.filter(({ id }) => id.startsWith("llm."));
  expect(rules).toHaveLength(2);
  for (const { state, failureMode, severity } of rules)
    expect([state, failureMode, severity]).toEqual([
      RuleState.ENFORCE,
      FailureMode.OPEN,
      Severity.UNSPECIFIED,
    ]);
});
