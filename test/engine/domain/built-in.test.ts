import { describe, expect, it } from "vitest";
import { Scope, Severity, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { builtInDocuments } from "../../../services/engine/domain/built-in/documents.js";
import { maskPersonalData } from "../../../services/engine/domain/judges/personal-data/personal-data.js";
import { blockingThresholds, penalties } from "../../../services/engine/domain/judges/severity.js";
import { decide, never, ruleJudge } from "../fixture.js";

const all = builtInDocuments.map(({ text }) => text).join("\n\n");

describe("the built-in documents", () => {
  it.each(builtInDocuments)("pass the engine's own checks: $title", async ({ title, text }) => {
    const judged = await ruleJudge.judge(`${title}\n\n${text}`, Scope.EVIDENCE, never);
    expect(judged).toEqual({ violations: [] });
    expect((await ruleJudge.judge(text, Scope.OUTPUT, never)).violations).toEqual([]);
    expect(maskPersonalData(text).findings).toEqual([]);
  });

  it.each([
    ["How is confidence computed?", "calibrated probability"],
    ["What does ABSTAINED mean?", "ABSTAINED means"],
    ["What is the formula of the quality index?", "support to the power 0.4"],
    ["What is cognitive load?", "event loop"],
    ["What is the awareness level?", "context coverage"],
    ["What does meta-cognitive depth count?", "0 means none"],
    ["Who can read a stored decision?", "administrators of the same tenant"],
    ["What are your limitations?", "English only"],
    ["How is personal data masked?", "checksum"],
    ["What is the policy digest?", "SHA-256"],
    ["Which frameworks does the ethical evaluation ask?", "deontological, utilitarian"],
  ])("answer %s", async (input, expected) => {
    const decision = await decide({ input });
    expect([Verdict.ALLOWED, Verdict.MODIFIED]).toContain(decision.verdict);
    expect(decision.content).toContain(expected);
  });

  it("state the penalties and thresholds that are in force", () => {
    expect(all).toContain(
      `${penalties[Severity.LOW]} when its severity is low, ${penalties[Severity.MEDIUM]} when medium, ` +
        `${penalties[Severity.HIGH]} when high and ${penalties[Severity.CRITICAL]} when critical`,
    );
    expect(all).toContain(`high ones from a strictness of ${blockingThresholds[Severity.HIGH]}`);
    expect(all).toContain(`medium ones from ${blockingThresholds[Severity.MEDIUM]}`);
  });
});
