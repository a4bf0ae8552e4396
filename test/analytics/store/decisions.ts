import {
  type Batch,
  type DecisionRow,
  type Figure,
  figures,
  type LabelRow,
} from "../../../services/analytics/store/port.js";

export interface Generated {
  readonly decisions: readonly DecisionRow[];
  readonly labels: readonly LabelRow[];
}

export interface GenerateOptions {
  readonly count: number;
  readonly seed: number;
  readonly tenantIds: readonly string[];
}

/** Clocks change within: Vienna, New York and Havana twice, Cairo, where midnight is skipped, twice. */
export const generatedFrom = new Date("2026-03-01T00:00:00Z");
export const generatedUntil = new Date("2026-11-16T00:00:00Z");

/** Moments around which many decisions are made: where clocks change, and where months and days of UTC do. */
const busy = [
  "2026-03-08T05:00:00Z",
  "2026-03-29T01:00:00Z",
  "2026-04-23T22:00:00Z",
  "2026-05-01T00:00:00Z",
  "2026-10-25T01:00:00Z",
  "2026-10-29T21:00:00Z",
  "2026-11-01T05:00:00Z",
].map((time) => Date.parse(time));

export const agentIds = ["", "0192f0c0-0000-7000-8000-00000000000a", "0192f0c0-0000-7000-8000-00000000000b"];
export const users = ["ana", "böla", "çem", "d'or", 'e"f', "f\\g"].map((name) => `u_${name}`);
export const verdicts = ["approved", "blocked", "modified", "withheld"];
export const ruleIds = ["harm/self", "harm/others", "privacy.email", "fraud", "o'rule"];
export const stages = ["admit", "retrieve", "compose", "judge"];
export const frameworks = ["care", "justice", "utility"];
export const modelVersions = ["2026.1", "2026.2"];
export const composers = ["extractive", "openai"];
export const policies = ["sha256:aa", "sha256:bb"];
export const saidLabels = ["answer_correct", "answer_wrong", "verdict_wrong"];

/** The same decisions and labels for the same options, in no order. */
export function generate({ count, seed, tenantIds }: GenerateOptions): Generated {
  const random = randomOf(seed);
  const decisions = Array.from({ length: count }, (_, n) => decision(n, seed, tenantIds, random));
  const labels = decisions.flatMap((row) => (random.chance(0.3) ? labelsOf(row, random) : []));
  return { decisions, labels };
}

/** The same decisions as events come: one after the other, so many milliseconds apart. */
export function inSequence({ decisions, labels }: Generated, stepMs: number): Generated {
  const timed = decisions.map((row, n) => ({ ...row, time: new Date(generatedFrom.getTime() + n * stepMs) }));
  return { decisions: timed, labels };
}

/** The rows in batches, labels spread over them. */
export function* batchesOf({ decisions, labels }: Generated, size: number): Generator<Batch> {
  const batches = Math.max(1, Math.ceil(decisions.length / size));
  const perBatch = Math.ceil(labels.length / batches);
  for (let n = 0; n < batches; n++) {
    yield {
      decisions: decisions.slice(n * size, (n + 1) * size),
      labels: labels.slice(n * perBatch, (n + 1) * perBatch),
    };
  }
}

/** A decision with nothing in it but what is given. */
export function bareDecision(
  given: Partial<DecisionRow> & Pick<DecisionRow, "tenantId" | "decisionId">,
): DecisionRow {
  return {
    requestId: "",
    time: generatedFrom,
    arriveTime: generatedFrom,
    agentId: "",
    user: "u_ana",
    verdict: "approved",
    ruleIds: [],
    modelVersion: "2026.1",
    policyDigest: "sha256:aa",
    composer: "extractive",
    cached: false,
    figures: Object.fromEntries(figures.map((figure) => [figure, null])) as DecisionRow["figures"],
    stages: {},
    frameworks: {},
    ...given,
  };
}

function decision(n: number, seed: number, tenantIds: readonly string[], random: Random): DecisionRow {
  const time = random.chance(0.4)
    ? random.one(busy) + Math.round((random.next() - 0.5) * 8 * 3_600_000)
    : generatedFrom.getTime() + random.below(generatedUntil.getTime() - generatedFrom.getTime());
  return {
    tenantId: random.one(tenantIds),
    decisionId: `d-${seed}-${String(n).padStart(8, "0")}`,
    requestId: `r-${n}`,
    // Some exactly where a minute, hour or day begins.
    time: new Date(random.chance(0.1) ? Math.round(time / 3_600_000) * 3_600_000 : time),
    arriveTime: new Date(time + random.below(60_000)),
    agentId: random.one(agentIds),
    user: random.one(users),
    verdict: random.one(verdicts),
    ruleIds: random.some(ruleIds, 0.25),
    modelVersion: random.one(modelVersions),
    policyDigest: random.one(policies),
    composer: random.one(composers),
    cached: random.chance(0.1),
    figures: figuresOf(random),
    stages: Object.fromEntries(random.some(stages, 0.7).map((stage) => [stage, random.next() * 40])),
    frameworks: Object.fromEntries(random.some(frameworks, 0.5).map((name) => [name, random.next()])),
  };
}

const scores: readonly Figure[] = ["awareness", "ethical_score", "creativity", "quality", "confidence"];
const counts: readonly Figure[] = ["reflection_depth", "rules_hit", "input_tokens", "output_tokens"];

function figuresOf(random: Random): Record<Figure, number | null> {
  return Object.fromEntries(
    figures.map((figure) => {
      if (figure === "gpu_share" || figure === "quantum_coherence") {
        return [figure, random.chance(0.02) ? random.next() : null];
      }
      if (random.chance(0.1)) return [figure, null];
      if (scores.includes(figure)) return [figure, random.next()];
      if (counts.includes(figure)) return [figure, random.below(4)];
      return [figure, Math.exp(random.next() * 6)];
    }),
  ) as Record<Figure, number | null>;
}

function labelsOf(row: DecisionRow, random: Random): LabelRow[] {
  return Array.from({ length: 1 + random.below(2) }, (_, feedback) =>
    Array.from({ length: 1 + random.below(2) }, (_, version) => ({
      tenantId: row.tenantId,
      decisionId: row.decisionId,
      feedbackId: `f-${feedback}-${row.decisionId}`,
      version: BigInt(version + 1),
      time: new Date(row.time.getTime() + 60_000 * (version + 1)),
      labels: random.some(saidLabels, 0.5),
    })),
  )
    .flat()
    .reverse();
}

interface Random {
  next(): number;
  below(end: number): number;
  chance(probability: number): boolean;
  one<T>(values: readonly T[]): T;
  some<T>(values: readonly T[], probability: number): T[];
}

/** Numbers that follow from the seed (mulberry32). */
function randomOf(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (end: number) => Math.floor(next() * end);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    one: (values) => values[below(values.length)] as never,
    some: (values, probability) => values.filter(() => next() < probability),
  };
}
