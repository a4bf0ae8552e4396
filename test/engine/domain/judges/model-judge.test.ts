import { describe, expect, it } from "vitest";
import { Basis, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { createModelJudge } from "../../../../services/engine/domain/judges/model-judge.js";
import { safetyHeads } from "../../../../services/engine/domain/models/heads.js";
import { shippedTextModel } from "../../../../services/engine/domain/models/shipped.js";
import type { Level, TextModel } from "../../../../services/engine/domain/models/text-model.js";

const shipped = shippedTextModel();

/** The shipped models, saying of every head the level given. */
function saying(level: Level): TextModel {
  return {
    ...shipped,
    read: (text) => ({
      ...shipped.read(text),
      safety: Object.fromEntries(
        safetyHeads.map((head) => [head, { probability: 0.5, level }]),
      ) as ReturnType<TextModel["read"]>["safety"],
    }),
  };
}

async function hits(level: Level, scope: Scope) {
  const { violations } = await createModelJudge(saying(level)).judge("Some text.", scope);
  return violations.map(({ ruleId, severity }) => [ruleId, severity]);
}

describe("the judge by trained heads", () => {
  it("says nothing when no head does", async () => {
    expect(await hits("none", Scope.INPUT)).toEqual([]);
  });

  it("warns with MEDIUM and blocks with HIGH, by the heads that concern a request", async () => {
    const ids = ["sexual", "hate", "harassment", "self_harm", "harmful_request", "jailbreak"];
    expect(await hits("warn", Scope.INPUT)).toEqual(ids.map((id) => [`model.${id}`, Severity.MEDIUM]));
    expect(await hits("block", Scope.INPUT)).toEqual(ids.map((id) => [`model.${id}`, Severity.HIGH]));
  });

  it("drops retrieved text for a block, never for a warning", async () => {
    expect(await hits("warn", Scope.EVIDENCE)).toEqual([]);
    expect(await hits("block", Scope.EVIDENCE)).toEqual([
      ["model.jailbreak", Severity.HIGH],
      ["model.instruction_in_data", Severity.HIGH],
    ]);
  });

  it("states the model as its basis", async () => {
    const { violations } = await createModelJudge(saying("block")).judge("Some text.", Scope.OUTPUT);
    expect(new Set(violations.map(({ basis }) => basis))).toEqual(new Set([Basis.MODEL]));
  });

  it("does not speak about a language it does not know", async () => {
    const judged = await createModelJudge(shipped).judge("Где находится ближайшая библиотека?", Scope.INPUT);
    expect(judged.uncovered).toMatch(/script/);
  });
});
