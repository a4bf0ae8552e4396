import type { DecisionRow, Figure, Selection } from "../../../services/analytics/store/port.js";
import { figures } from "../../../services/analytics/store/port.js";

/** When the first row was made, in milliseconds of the epoch. */
export const firstTime = Date.parse("2026-03-01T12:00:00.000Z");

/** A decision, the `n`th of a tenant, a second after the one before. */
export function decision(n: number, more: Partial<DecisionRow> = {}): DecisionRow {
  const time = new Date(firstTime + n * 1000);
  return {
    tenantId: "default",
    decisionId: idOf(n),
    requestId: idOf(n + 1_000_000),
    time,
    arriveTime: time,
    agentId: n % 3 === 0 ? "" : idOf(n % 3),
    user: `pseudonym-${n % 5}`,
    verdict: n % 4 === 0 ? "blocked" : "allowed",
    ruleIds: n % 4 === 0 ? ["harm.fraud", "privacy.leak"] : [],
    modelVersion: "2026.1",
    policyDigest: "abc",
    composer: "extractive",
    cached: n % 2 === 0,
    figures: figuresOf({ total_ms: n * 1.5, confidence: (n % 11) / 10, cost: n === 1 ? 1e-7 : null }),
    stages: { compose: n / 3, retrieve: 0.1 },
    frameworks: n % 2 === 0 ? { care: 0.25 } : {},
    ...more,
  };
}

/** Figures of which the others are absent. */
export function figuresOf(known: Partial<Record<Figure, number | null>>): Record<Figure, number | null> {
  return Object.fromEntries(figures.map((name) => [name, known[name] ?? null])) as Record<
    Figure,
    number | null
  >;
}

function idOf(n: number): string {
  return `019ca900-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** What a store of rows was asked for. */
export interface ReadRows {
  /** Batches that were taken. */
  taken: number;
  /** Whether the reading has ended, by itself or by whoever read. */
  closed: boolean;
}

/** A store of the rows, which it hands out in batches, and what is read of it. */
export function storeOf(rows: readonly DecisionRow[], batch = 100) {
  const seen: ReadRows = { taken: 0, closed: false };
  const selected = ({ tenantId, from, until, users }: Selection) =>
    rows.filter(
      (row) =>
        (tenantId === undefined || row.tenantId === tenantId) &&
        row.time >= from &&
        row.time < until &&
        (users.length === 0 || users.includes(row.user)),
    );
  return {
    seen,
    count: async (selection: Selection) => selected(selection).length,
    async *read(selection: Selection, signal?: AbortSignal) {
      seen.closed = false;
      try {
        const found = selected(selection);
        for (let at = 0; at < found.length; at += batch) {
          signal?.throwIfAborted();
          seen.taken += 1;
          yield found.slice(at, at + batch);
        }
      } finally {
        seen.closed = true;
      }
    },
  };
}
