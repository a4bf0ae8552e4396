import { create } from "@bufbuild/protobuf";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import {
  type RecentDecisions,
  RecentDecisionsSchema,
  type SelfAssessment,
  type SelfChange,
  SelfChangeSchema,
} from "#gen/ts/consciousness/engine/v1/state_pb.js";

/** How many decisions an assessment looks back at. */
export const mostDecisions = 100;

/** What decisions came to, and how sure and how good their answers were. */
export function summarise(
  decisions: readonly Pick<Decision, "verdict" | "confidenceLevel" | "consciousnessQuality">[],
): RecentDecisions {
  const verdicts: Record<string, number> = {};
  for (const { verdict } of decisions) {
    const name = (Verdict[verdict] ?? "").toLowerCase();
    verdicts[name] = (verdicts[name] ?? 0) + 1;
  }
  const meanConfidence = mean(decisions.map((one) => one.confidenceLevel));
  const meanQuality = mean(decisions.map((one) => one.consciousnessQuality));
  return create(RecentDecisionsSchema, {
    count: decisions.length,
    verdicts,
    ...(meanConfidence === undefined ? {} : { meanConfidence }),
    ...(meanQuality === undefined ? {} : { meanQuality }),
  });
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/**
 * What two assessments tell differently, by name. Shares of verdicts are
 * compared in whole percents and means with two decimals, since a difference
 * below says nothing over 100 decisions.
 */
export function changesBetween(before: SelfAssessment, after: SelfAssessment): SelfChange[] {
  const [was, is] = [factsOf(before), factsOf(after)];
  const fields = [...new Set([...was.keys(), ...is.keys()])];
  return fields
    .filter((field) => was.get(field) !== is.get(field))
    .map((field) =>
      create(SelfChangeSchema, { field, before: was.get(field) ?? "", after: is.get(field) ?? "" }),
    );
}

function factsOf(assessment: SelfAssessment): ReadonlyMap<string, string> {
  const { engineVersion, modelsVersion, policyDigest, judgeDigests, checks, decisions } = assessment;
  const { count = 0, verdicts = {}, meanConfidence, meanQuality } = decisions ?? {};
  const share = (of: number) => `${Math.round((100 * of) / count)} %`;
  return new Map([
    ["engine_version", engineVersion],
    ["models_version", modelsVersion],
    ["policy_digest", policyDigest],
    ...named("judge", judgeDigests, (digest) => digest),
    ...named("check", checks, (ok) => (ok ? "ok" : "failed")),
    ...named("verdict", verdicts, share),
    ...named("mean", known({ confidence: meanConfidence, quality: meanQuality }), (value) =>
      value.toFixed(2),
    ),
  ]);
}

function named<T>(
  kind: string,
  values: Readonly<Record<string, T>>,
  told: (value: T) => string,
): [string, string][] {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [`${kind} ${name}`, told(value)]);
}

function known(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
