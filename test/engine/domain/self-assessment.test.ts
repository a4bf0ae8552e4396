import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { SelfAssessmentSchema } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import { changesBetween, summarise } from "../../../services/engine/domain/self-assessment.js";

interface Assessment extends Omit<typeof assessment, "judgeDigests" | "decisions"> {
  readonly judgeDigests: Record<string, string>;
  readonly decisions: Omit<(typeof assessment)["decisions"], "verdicts"> & {
    readonly verdicts: Record<string, number>;
  };
}

const assessment = {
  engineVersion: "1.0.0",
  modelsVersion: "2026.1",
  judgeDigests: { rules: "aa", "model 2026.1": "bb" },
  policyDigest: "cc",
  checks: { database: true, judges: true },
  decisions: { count: 10, verdicts: { allowed: 8, blocked: 2 }, meanConfidence: 0.8, meanQuality: 0.7 },
};
const before = create(SelfAssessmentSchema, assessment);
const changed = (init: Partial<Assessment>) =>
  changesBetween(before, create(SelfAssessmentSchema, { ...assessment, ...init })).map(
    ({ field, before, after }) => [field, before, after],
  );

describe("what changed since the last assessment", () => {
  it("is nothing when nothing did", () => {
    expect(changed({})).toEqual([]);
  });

  it.each([
    ["the engine", { engineVersion: "1.1.0" }, [["engine_version", "1.0.0", "1.1.0"]]],
    ["the policy", { policyDigest: "dd" }, [["policy_digest", "cc", "dd"]]],
    [
      "the models, whose judge has their version in its name",
      { modelsVersion: "2026.2", judgeDigests: { rules: "aa", "model 2026.2": "ee" } },
      [
        ["models_version", "2026.1", "2026.2"],
        ["judge model 2026.1", "bb", ""],
        ["judge model 2026.2", "", "ee"],
      ],
    ],
    ["a judge", { judgeDigests: { ...assessment.judgeDigests, rules: "ff" } }, [["judge rules", "aa", "ff"]]],
    ["a self-check", { checks: { database: true, judges: false } }, [["check judges", "ok", "failed"]]],
    [
      "the mix of verdicts",
      { decisions: { ...assessment.decisions, verdicts: { allowed: 7, blocked: 2, abstained: 1 } } },
      [
        ["verdict allowed", "80 %", "70 %"],
        ["verdict abstained", "", "10 %"],
      ],
    ],
    [
      "confidence and quality",
      { decisions: { ...assessment.decisions, meanConfidence: 0.6, meanQuality: 0.75 } },
      [
        ["mean confidence", "0.80", "0.60"],
        ["mean quality", "0.70", "0.75"],
      ],
    ],
  ])("is %s", (_, now, changes) => {
    expect(changed(now)).toEqual(changes);
  });

  it("is no difference too small to tell", () => {
    expect(changed({ decisions: { ...assessment.decisions, meanConfidence: 0.801 } })).toEqual([]);
  });
});

describe("what was decided of late", () => {
  it("is counted by verdict, with means of what is known", () => {
    const decisions = [
      { verdict: Verdict.ALLOWED, confidenceLevel: 0.9, consciousnessQuality: 0.8 },
      { verdict: Verdict.ALLOWED, confidenceLevel: 0.7 },
      { verdict: Verdict.BLOCKED },
    ];
    expect(summarise(decisions)).toMatchObject({
      count: 3,
      verdicts: { allowed: 2, blocked: 1 },
      meanConfidence: expect.closeTo(0.8, 10),
      meanQuality: 0.8,
    });
  });

  it("has no means without decisions", () => {
    const { count, meanConfidence, meanQuality } = summarise([]);
    expect([count, meanConfidence, meanQuality]).toEqual([0, undefined, undefined]);
  });
});
