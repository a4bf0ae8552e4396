import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { askEngine } from "../../engine/ask-engine.js";
import { packageVersion } from "../../kit/package-root.js";

/** Answers a question about the engine, offline, with what the answer stands on. */
export async function ask(question: string): Promise<string> {
  const decision = await askEngine(question, await packageVersion());
  return `${describe(decision).join("\n")}\n`;
}

function describe(decision: Decision): string[] {
  const quality = decision.consciousnessQuality;
  return [
    decision.content || blockedBy(decision),
    "",
    `verdict   ${Verdict[decision.verdict]?.toLowerCase()}`,
    ...(quality === undefined ? [] : [`quality   ${quality.toFixed(2)}`]),
    ...decision.evidence
      .filter(({ contentSpans }) => contentSpans.length > 0)
      .map(({ number, title, score }) => `evidence  ${number}. ${title} (BM25 ${score.toFixed(1)})`),
  ];
}

function blockedBy({ ethicalEvaluation }: Decision): string {
  const rules = ethicalEvaluation?.violations.map(({ ruleId, message }) => `${ruleId}: ${message}`) ?? [];
  return ["Blocked.", ...rules].join("\n");
}
