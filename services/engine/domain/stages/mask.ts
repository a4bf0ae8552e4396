import { create } from "@bufbuild/protobuf";
import {
  type PersonalDataFinding,
  PersonalDataFindingSchema,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Basis, Scope, type Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { ConversationText } from "../compose/composer.js";
import { basisOf, type Finding, type MaskedType } from "../judges/personal-data/finding.js";
import type { Masked } from "../judges/personal-data/personal-data.js";
import { violation } from "../judges/rule-judge.js";
import { personalDataRules } from "../judges/rules/personal-data.js";
import type { StageWork } from "../stage.js";
import type { TextSpan } from "../text/normalise.js";
import { ruleOnMasked } from "./judge-in-run.js";

/** Masks personal data in the input and its context, so that nothing behind sees it. */
export const mask: StageWork = async (run, { maskPersonalData, findTold }) => {
  const { input, context, conversation = [] } = run.request;
  const masked = await maskPersonalData(input);
  run.question = masked.text;
  run.personalData.push(...findingsOf(masked.findings, Scope.INPUT));
  const told = (await findTold?.(input)) ?? [];
  run.told.push(...findingsOf(told, Scope.INPUT));
  for (const [key, value] of Object.entries(context)) {
    const [name, entry] = [await maskPersonalData(key), await maskPersonalData(value)];
    const findings = [...name.findings, ...entry.findings];
    run.context[freeKey(run.context, name.text)] = entry.text;
    run.personalData.push(...findingsOf(findings, Scope.INPUT));
  }
  for (const { role, text } of conversation) {
    const one = await maskPersonalData(text);
    run.conversation.push({ role, text: one.text });
    run.personalData.push(...findingsOf(one.findings, scopeOf(role)));
    ruleOnMasked(one.text, personalDataViolations(one, scopeOf(role)), scopeOf(role), run);
  }
  ruleOnMasked(masked.text, personalDataViolations(masked, Scope.INPUT), Scope.INPUT, run);
  const characters = input.length + Object.values(context).reduce((sum, value) => sum + value.length, 0);
  return {
    saw: `${characters} characters, ${Object.keys(context).length} context entries`,
    concluded: `${run.personalData.length} findings of personal data masked, ${told.length} more told`,
  };
};

/** What the assistant said before is judged as an answer, all else of a conversation as input. */
export function scopeOf(role: ConversationText["role"]): Scope {
  return role === "assistant" ? Scope.OUTPUT : Scope.INPUT;
}

/** Findings in the contract's form. */
export function findingsOf(findings: readonly Finding[], scope: Scope): PersonalDataFinding[] {
  return findings.map((finding) => {
    const { type, span, score } = finding;
    const basis = basisOf(finding) === "best effort" ? Basis.MODEL : Basis.RULES;
    return create(PersonalDataFindingSchema, { type, scope, span, score, basis });
  });
}

/** One violation for each type that was masked; its spans are those of the replacements. */
export function personalDataViolations({ findings, places }: Masked, scope: Scope): Violation[] {
  const spans = new Map<MaskedType, TextSpan[]>();
  findings.forEach(({ type }, at) => {
    spans.set(type, [...(spans.get(type) ?? []), places[at] as TextSpan]);
  });
  return [...spans].map(([type, places]) => violation(personalDataRules[type], scope, places));
}

/** Keys that masking makes equal get numbers. */
function freeKey(context: Readonly<Record<string, string>>, key: string): string {
  let free = key;
  for (let number = 2; Object.hasOwn(context, free); number++) free = `${key} ${number}`;
  return free;
}
