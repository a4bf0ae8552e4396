import { describe, expect, it } from "vitest";
import { auditEffects, auditWrites } from "./audit.js";
import { createLedger, type Told, type Write } from "./ledger.js";
import type { Stored, StoredEvent } from "./stored.js";

// What the audit of the crash tests would find: one that cannot fail would show nothing.
const event = (version: number, type: string, more: Partial<StoredEvent> = {}): StoredEvent => ({
  id: `e${version}`,
  type,
  aggregate: "agent 1",
  aggregateId: "1",
  version,
  name: "ada",
  description: `d${version}`,
  ...more,
});
const made = event(1, "AgentCreated");
const changed = event(2, "AgentUpdated");
const stored = (over: Partial<Stored> = {}): Stored => ({
  events: [made, changed],
  agents: [{ id: "1", version: 2, description: "d2" }],
  decisions: [],
  sessions: [],
  ...over,
});
const create = (told: Told): Write => ({ kind: "create", told, name: "ada", id: "1" });
const update = (told: Told): Write => ({ kind: "update", told, id: "1", description: "d2" });
const audit = (writes: readonly Write[], found = stored()) => {
  const ledger = createLedger();
  for (const write of writes) ledger.add(write);
  return auditWrites(ledger, found);
};

describe("the audit of writes", () => {
  it("passes what is stored as told, and either way what was left open", () => {
    expect(audit([create("acknowledged"), update("acknowledged")])).toEqual([]);
    expect(audit([create("acknowledged"), update("unknown")])).toEqual([]);
    const without = stored({ events: [made], agents: [{ id: "1", version: 1, description: "d1" }] });
    expect(audit([create("acknowledged"), update("unknown")], without)).toEqual([]);
  });

  it.each<[string, readonly Write[], Stored]>([
    [
      "an acknowledged write that is lost",
      [create("acknowledged"), update("acknowledged")],
      stored({ events: [made], agents: [{ id: "1", version: 1, description: "d1" }] }),
    ],
    ["a refused write that was applied", [create("acknowledged"), update("refused")], stored()],
    [
      "a write that was applied twice",
      [create("acknowledged"), update("unknown")],
      stored({
        events: [made, changed, event(3, "AgentUpdated", { description: "d2" })],
        agents: [{ id: "1", version: 3, description: "d2" }],
      }),
    ],
    ["a row that lacks its last event", [create("acknowledged")], stored({ events: [made] })],
    ["an event that lacks its row", [create("acknowledged")], stored({ agents: [] })],
    ["a row without any event", [], stored({ events: [] })],
    ["a gap between versions", [update("acknowledged")], stored({ events: [changed] })],
    ["a decision that nobody asked for", [], stored({ decisions: [{ id: "2", request_id: "r" }] })],
    ["a session that nobody began", [], stored({ sessions: ["3"] })],
    [
      "a request that was decided twice",
      [1, 2].map(() => ({ kind: "decide", told: "unknown", id: undefined })),
      stored({ decisions: ["2", "3"].map((id) => ({ id, request_id: "r" })) }),
    ],
  ])("finds %s", (_, writes, found) => {
    expect(audit(writes, found)).not.toEqual([]);
  });
});

describe("the audit of effects", () => {
  const effect = ({ id, aggregate, version }: StoredEvent) => ({
    event_id: id,
    aggregate,
    version: BigInt(version),
  });

  it("passes one effect for each event in order", () => {
    expect(auditEffects([effect(made), effect(changed)], stored())).toEqual([]);
  });

  it.each([
    ["a missing one", [made]],
    ["one that came twice", [made, changed, changed]],
    ["disorder", [changed, made]],
    ["one of no event", [made, changed, event(3, "AgentDeleted")]],
  ])("finds %s", (_, seen) => {
    expect(auditEffects(seen.map(effect), stored())).not.toEqual([]);
  });
});
