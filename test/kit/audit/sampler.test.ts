import fc from "fast-check";
import { expect, it } from "vitest";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { actorOf } from "../../../services/kit/audit/actor.js";
import { auditOver } from "../../../services/kit/audit/audit.js";
import type { NewAuditEvent } from "../../../services/kit/audit/event.js";
import { manualTimers } from "../../support/manual-timers.js";
import { ada } from "../tokens/forge.js";
import { auditEvent, denial } from "./events.js";

function recorded() {
  const timers = manualTimers();
  const events: NewAuditEvent[] = [];
  const keep = (event: NewAuditEvent) => void events.push(event);
  const trail = {
    record: async (event: NewAuditEvent) => {
      keep(event);
      return true;
    },
    note: keep,
    stop: async () => {},
  };
  return { audit: auditOver(trail, timers), timers, events };
}

const counts = (events: readonly NewAuditEvent[]) => events.map(({ event }) => event.count);
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

it("records the first refusals of an address one by one, and counts the rest of a flood", async () => {
  const { audit, timers, events } = recorded();
  for (let n = 0; n < 1_000; n += 1) audit.record(denial(), "soon");
  expect(events).toHaveLength(20);
  await timers.advance(10_000);
  expect(counts(events).slice(20)).toEqual([980]);
  expect(events.at(-1)?.event).toMatchObject({ address: "192.0.2.1", reason: "TOKEN_INVALID" });
});

it("tells the refusals of another address or for another reason apart", () => {
  const { audit, events } = recorded();
  for (let n = 0; n < 30; n += 1) {
    audit.record(denial(), "soon");
    audit.record(denial({ address: "192.0.2.2" }), "soon");
    audit.record(denial({ reason: "TOKEN_EXPIRED" }), "soon");
  }
  expect(events).toHaveLength(60);
});

it("says in common only what a flood has in common", async () => {
  const { audit, timers, events } = recorded();
  for (let n = 0; n < 22; n += 1) audit.record(denial({ method: `m${n}`, target: "one" }), "soon");
  await timers.advance(10_000);
  expect(events.at(-1)?.event).toMatchObject({ count: 2, method: "", target: "one" });
});

it("counts every event of a flood from however many addresses, in bounded memory", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 9_000 }), { minLength: 5_000, maxLength: 9_000 }),
      async (addresses) => {
        const { audit, timers, events } = recorded();
        for (const address of addresses) audit.record(denial({ address: `a${address}` }), "soon");
        await timers.advance(10_000);
        expect(sum(counts(events))).toBe(addresses.length);
      },
    ),
    { numRuns: 5 },
  );
});

it("records every block of a decision, and counts other refusals of such calls", async () => {
  const { audit, timers, events } = recorded();
  const refused = (reason: string, auditClass = AuditClass.DECISION) =>
    audit.record(denial({ reason, auditClass, code: Code.FAILED_PRECONDITION }), "soon");
  for (let n = 0; n < 100; n += 1) refused("ETHICAL_VIOLATION");
  expect(counts(events)).toEqual(Array(100).fill(1));
  for (let n = 0; n < 30; n += 1) {
    refused("AGENT_NOT_FOUND");
    refused("ETHICAL_VIOLATION", AuditClass.CHANGE);
  }
  expect(events).toHaveLength(140);
  await timers.advance(10_000);
  expect(counts(events).slice(140)).toEqual([10, 10]);
});

it("never samples what succeeded", async () => {
  const { audit, events } = recorded();
  await Promise.all(Array.from({ length: 100 }, () => audit.record(auditEvent(), "awaited")));
  expect(events).toHaveLength(100);
});

it("records a key's first use in a minute, and counts the others", async () => {
  const { audit, timers, events } = recorded();
  const actor = actorOf({ ...ada, session: "", apiKey: "k1" });
  for (let n = 0; n < 50; n += 1) audit.record(auditEvent({ actor, code: Code.OK }), "key-use");
  await timers.advance(60_000);
  expect(counts(events)).toEqual([1, 49]);
  expect(events[1]?.event.actor).toEqual(actor);
});

it("tells of what it has counted before it stops", async () => {
  const { audit, events } = recorded();
  for (let n = 0; n < 25; n += 1) audit.record(denial(), "soon");
  await audit.stop();
  expect(sum(counts(events))).toBe(25);
});
