import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type Client, ConnectError } from "@connectrpc/connect";
import type {
  DecisionSummary,
  EngineService,
  ReplayDecisionResponse,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { errorFacts } from "../../kit/errors.js";

/** What replaying takes. */
export interface ReplayTrafficOptions {
  readonly engine: Pick<Client<typeof EngineService>, "listDecisions" | "replayDecision">;
  readonly since: Timestamp;
  /** Tried as the tenant's policy; today's policy without it. */
  readonly document: string | undefined;
  /** Told of each decision that changes, and of the summary last. */
  readonly tell: (line: object) => unknown;
}

/** How many decisions came to what. */
export interface ReplaySummary {
  readonly decisions: number;
  /** Something about them differs, the policy's digest aside. */
  readonly changed: number;
  /** By verdicts before and after, such as `ALLOWED → BLOCKED`. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** They would be answered, of which nothing is on record. */
  readonly open: number;
  /** Too little is on record of them. */
  readonly not_replayable: number;
}

const pageSize = 200;
const atOnce = 4;
/** These differ between policies that come to the same. */
const digests = new Set(["policy_digest", "detectors_digest"]);

/** Judges every decision since a time again, a few at once, and tells what changes. Rejects when the engine does. */
export async function replayTraffic(options: ReplayTrafficOptions): Promise<ReplaySummary> {
  const verdicts: Record<string, number> = {};
  const summary = { decisions: 0, changed: 0, verdicts, open: 0, not_replayable: 0 };
  for await (const batch of batches(options)) {
    const replayed = await Promise.all(batch.map(({ id }) => replayOne(id, options)));
    for (const one of replayed) {
      summary.decisions += 1;
      if (!one) {
        summary.not_replayable += 1;
        continue;
      }
      const differences = one.differences.filter(({ field }) => !digests.has(field));
      if (one.unrecorded) summary.open += 1;
      if (differences.length === 0 && !one.unrecorded) continue;
      summary.changed += 1;
      const [before, after] = [verdictOf(one.before?.verdict), verdictOf(one.after?.verdict)];
      if (before !== after) verdicts[`${before} → ${after}`] = (verdicts[`${before} → ${after}`] ?? 0) + 1;
      options.tell(lineOf(one, differences, before, after));
    }
  }
  options.tell({ summary });
  return summary;
}

async function* batches({ engine, since }: ReplayTrafficOptions): AsyncGenerator<DecisionSummary[]> {
  let pageToken = "";
  do {
    const page = await engine.listDecisions({ since, pageSize, pageToken });
    for (let at = 0; at < page.decisions.length; at += atOnce) yield page.decisions.slice(at, at + atOnce);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

/** Undefined when too little is on record. */
async function replayOne(
  id: string,
  { engine, document }: ReplayTrafficOptions,
): Promise<ReplayDecisionResponse | undefined> {
  const policy = document === undefined ? undefined : ({ case: "document", value: document } as const);
  try {
    return await engine.replayDecision({ id, ...(policy ? { policy } : {}) });
  } catch (error) {
    const reason = error instanceof ConnectError ? errorFacts(error)?.reason : undefined;
    if (reason === "DECISION_NOT_REPLAYABLE") return undefined;
    throw error;
  }
}

function lineOf(
  { decisionId }: ReplayDecisionResponse,
  differences: ReplayDecisionResponse["differences"],
  before: string,
  after: string,
) {
  // Content is what users read: it belongs into no terminal's history.
  const told = differences.filter(({ field }) => field !== "content");
  return {
    decision_id: decisionId,
    before,
    after,
    differences: told.map(({ field, before: was, after: is }) => ({ field, before: was, after: is })),
  };
}

function verdictOf(verdict: Verdict | undefined): string {
  return verdict === undefined || verdict === Verdict.UNSPECIFIED ? "open" : (Verdict[verdict] ?? "open");
}
