import { create } from "@bufbuild/protobuf";
import {
  Basis,
  Scope,
  Severity,
  type Violation,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { HeadReading, TextModel } from "../models/text-model.js";
import { languageCoverage } from "../text/language.js";
import type { Judge } from "./judge.js";
import { type ModelVoice, modelRules, modelVoices } from "./rules/model.js";

/**
 * Judges by the trained heads that concern the scope. Above its blocking
 * threshold a head is HIGH, above its warning threshold MEDIUM. Retrieved text
 * is judged by blocking thresholds alone, since any violation drops a passage.
 */
export function createModelJudge(model: TextModel): Judge {
  return {
    name: `model ${model.version}`,
    digest: model.digest,
    detectors: modelVoices.map((voice) => modelRules[voice].id),
    judge(text, scope) {
      const coverage = languageCoverage(text);
      const { safety, noise } = model.read(text);
      const readings = { ...safety, optimised_suffix: noise };
      const violations = modelVoices
        .flatMap((voice) => violationOf(voice, readings[voice], scope))
        .sort((a, b) => b.severity - a.severity);
      return coverage.covered ? { violations } : { violations, uncovered: coverage.reason };
    },
  };
}

function violationOf(voice: ModelVoice, { level, span }: HeadReading, scope: Scope): Violation[] {
  const rule = modelRules[voice];
  const silent = level === "none" || (level === "warn" && scope === Scope.EVIDENCE);
  if (silent || !rule.scopes.includes(scope)) return [];
  return [
    create(ViolationSchema, {
      ruleId: rule.id,
      category: rule.category,
      severity: level === "block" ? Severity.HIGH : Severity.MEDIUM,
      scope,
      message: rule.message,
      spans: span ? [span] : [],
      basis: Basis.MODEL,
    }),
  ];
}
