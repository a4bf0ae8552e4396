import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { judgeAll } from "../../services/engine/domain/judges/judge-all.js";
import { shippedJudges } from "../../services/engine/domain/judges/shipped.js";
import { shippedSupportModel, shippedTextModel } from "../../services/engine/domain/models/shipped.js";
import { createPipeline } from "../../services/engine/domain/pipeline.js";
import { judgeText } from "../../services/engine/domain/policy/judge-text.js";
import { type EffectivePolicy, effectivePolicy } from "../../services/engine/domain/policy/policy.js";
import { readPolicy } from "../../services/engine/domain/policy/read-policy.js";
import { replayDecision } from "../../services/engine/domain/replay/replay.js";
import { never, pipelineDeps, pipelineRequest, responder } from "../engine/fixture.js";
import { median, type Row } from "./rows.js";

const rounds = 15;
const runsPerRound = 60;
const warmUpRuns = 150;
const ownRules = 20;

const shop =
  "Returns are accepted within 30 days. Refunds take a week. The shop in Oslo opens at nine and closes at six. " +
  "Lamps, chairs and tables can be returned without a receipt.";
const input =
  "When are returns of lamps accepted, and how long does it take until the refund arrives at my bank?";

/**
 * Milliseconds for what a policy takes: of judging one text, of a whole decision
 * in the process, under the shipped policy and with twenty conditions of a
 * tenant's above it. Medians of interleaved rounds.
 */
export async function bench(): Promise<readonly Row[]> {
  const model = shippedTextModel();
  const judges = shippedJudges();
  const readText = (text: string) => model.read(text);
  const deps = pipelineDeps({ judges, readText, support: shippedSupportModel(), load: () => 0 });
  const shipped = effectivePolicy([]);
  const own = effectivePolicy([{ level: "tenant", version: 1, document: readPolicy(ownDocument()) }]);
  const pipeline = createPipeline(deps);
  const agent = responder(shop);
  const decide = (policy: EffectivePolicy) => () =>
    pipeline(pipelineRequest({ input, responder: agent, policy }), never);
  const judged = { text: input, scope: Scope.INPUT, agentId: "", contextKeys: [], strictness: 0.9 };
  const rule = (policy: EffectivePolicy) => () =>
    judgeText(judged, { judges, policy, readText, budgetMs: 500 }, never);
  const decision = await decide(shipped)();
  return measure({
    "one text, detectors alone": () => judgeAll(judges, input, Scope.INPUT, never),
    "one text, shipped policy": rule(shipped),
    [`one text, ${ownRules} conditions more`]: rule(own),
    "decision, shipped policy": decide(shipped),
    [`decision, ${ownRules} conditions more`]: decide(own),
    "decision judged again": () => replayDecision(decision, shipped, deps, never),
  });
}

function ownDocument(): string {
  const conditions = [
    'text.contains("project zeta")',
    'text.matches("(?i)invoice\\\\s+[0-9]{6}")',
    'heads["harassment"] > 0.9 && length > 40',
    'hits.exists(h, h.startsWith("injection."))',
    '"email" in personal_data && agent_id != ""',
  ];
  const rules = Array.from({ length: ownRules }, (_, at) => ({
    id: `own.rule_${at}`,
    scopes: ["INPUT", "EVIDENCE", "OUTPUT"],
    condition: conditions[at % conditions.length],
    severity: "HIGH",
    message: "Ours.",
  }));
  return JSON.stringify({ rules });
}

async function measure(works: Readonly<Record<string, () => unknown>>): Promise<Row[]> {
  const times = new Map(Object.keys(works).map((name) => [name, [] as number[]]));
  for (const work of Object.values(works)) for (let run = 0; run < warmUpRuns; run++) await work();
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of Object.entries(works)) {
      const start = performance.now();
      for (let run = 0; run < runsPerRound; run++) await work();
      times.get(name)?.push((performance.now() - start) / runsPerRound);
    }
  }
  return [...times].map(([name, ms]) => ({ measure: name, unit: "ms", value: rounded(median(ms)) }));
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
