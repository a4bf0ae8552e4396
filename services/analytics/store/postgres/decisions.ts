import { type DecisionRow, type Figure, figures, type Selection } from "../port.js";
import { type Cursor, compilePage } from "../sql/decisions.js";
import { dialect } from "./dialect.js";
import type { Read, ReadLimits } from "./reading.js";
import { source } from "./schema.js";

const pageRows = 2000;

const columns = [
  "tenant_id, decision_id, request_id, time, arrive_time, agent_id, user_pseudonym, verdict, rule_ids",
  "model_version, policy_digest, composer, cached",
  figures.join(", "),
  "(stages).names as stage_names, (stages).numbers as stage_numbers",
  "(frameworks).names as framework_names, (frameworks).numbers as framework_numbers",
].join(", ");

/** Reads decisions by the key, page by page, with no transaction open in between, however long the caller takes. */
export async function* readDecisions(
  read: Read,
  selection: Selection,
  limits: ReadLimits,
): AsyncGenerator<readonly DecisionRow[]> {
  let after: Cursor | undefined;
  for (;;) {
    const page = compilePage({ selection, dialect, source, columns, after, limit: pageRows });
    const rows = (await read(page, limits)).map((row) => decisionOf(row as unknown as Row));
    if (rows.length > 0) yield rows;
    after = rows.at(-1);
    if (rows.length < pageRows) return;
  }
}

type Row = Readonly<Record<Figure, number | null>> & {
  readonly tenant_id: string;
  readonly decision_id: string;
  readonly request_id: string;
  readonly time: Date;
  readonly arrive_time: Date;
  readonly agent_id: string;
  readonly user_pseudonym: string;
  readonly verdict: string;
  readonly rule_ids: string[];
  readonly model_version: string;
  readonly policy_digest: string;
  readonly composer: string;
  readonly cached: boolean;
  readonly stage_names: string[];
  readonly stage_numbers: number[];
  readonly framework_names: string[];
  readonly framework_numbers: number[];
};

function decisionOf(row: Row): DecisionRow {
  return {
    tenantId: row.tenant_id,
    decisionId: row.decision_id,
    requestId: row.request_id,
    time: row.time,
    arriveTime: row.arrive_time,
    agentId: row.agent_id,
    user: row.user_pseudonym,
    verdict: row.verdict,
    ruleIds: row.rule_ids,
    modelVersion: row.model_version,
    policyDigest: row.policy_digest,
    composer: row.composer,
    cached: row.cached,
    figures: Object.fromEntries(figures.map((figure) => [figure, row[figure]])) as Record<
      Figure,
      number | null
    >,
    stages: byName(row.stage_names, row.stage_numbers),
    frameworks: byName(row.framework_names, row.framework_numbers),
  };
}

function byName(names: readonly string[], numbers: readonly number[]): Record<string, number> {
  return Object.fromEntries(names.map((name, n) => [name, numbers[n] ?? Number.NaN]));
}
