import { expect, it } from "vitest";
import type { NewAuditEvent } from "../../../services/kit/audit/event.js";
import { auditTrail } from "../../../services/kit/audit/trail.js";
import { errors } from "../../../services/kit/errors.js";
import { manualTimers, settled } from "../../support/manual-timers.js";
import { recordedLog, recordedMetrics } from "../chain/calls.js";
import { auditEvent } from "./events.js";

function started({ bound }: { bound?: number } = {}) {
  const timers = manualTimers();
  const { log, lines } = recordedLog();
  const { metrics, matching } = recordedMetrics();
  const batches: string[][] = [];
  const record = { failure: undefined as unknown, hang: undefined as Promise<void> | undefined };
  const trail = auditTrail({
    workload: "gateway",
    timers,
    log,
    metrics,
    ...(bound === undefined ? {} : { bound }),
    async write(events: NewAuditEvent[]) {
      batches.push(events.map(({ event }) => event.id));
      await record.hang;
      if (record.failure) throw record.failure;
    },
  });
  const counted = async (outcome: string) =>
    Number((await matching(`audit_events_total{outcome="${outcome}"}`))[0]?.split(" ")[1] ?? 0);
  return { trail, timers, record, batches, lines, counted };
}

const away = () => errors.dependencyUnavailable({ dependency: "auth" });

it("writes at once what somebody waits for", async () => {
  const { trail, batches, counted } = started();
  const event = auditEvent();
  expect(await trail.record(event)).toBe(true);
  expect(batches).toEqual([[event.event.id]]);
  expect(await counted("recorded")).toBe(1);
});

it("writes in one batch what nobody waits for", async () => {
  const { trail, timers, batches } = started();
  const events = [auditEvent(), auditEvent(), auditEvent()];
  for (const event of events) trail.note(event);
  await settled();
  expect(batches).toEqual([]);
  await timers.advance(100);
  expect(batches).toEqual([events.map(({ event }) => event.id)]);
});

it("gathers what comes while a batch is on its way", async () => {
  const { trail, record, batches } = started();
  let open = () => {};
  record.hang = new Promise((resolve) => {
    open = resolve;
  });
  const written = [auditEvent(), auditEvent(), auditEvent()].map((event) => trail.record(event));
  open();
  expect(await Promise.all(written)).toEqual([true, true, true]);
  expect(batches.map((batch) => batch.length)).toEqual([1, 2]);
});

it("sends no more than 256 at once, those that somebody waits for first", async () => {
  const { trail, record, batches, timers } = started();
  let open = () => {};
  record.hang = new Promise((resolve) => {
    open = resolve;
  });
  const first = trail.record(auditEvent());
  for (let n = 0; n < 300; n += 1) trail.note(auditEvent());
  const awaited = auditEvent();
  const written = trail.record(awaited);
  open();
  await Promise.all([first, written]);
  await timers.advance(100);
  expect(batches.map((batch) => batch.length)).toEqual([1, 256, 45]);
  expect(batches[1]?.[0]).toBe(awaited.event.id);
});

it("repeats a batch until the record takes it, with the same ids, and says so in the log", async () => {
  const { trail, record, timers, batches, lines } = started();
  record.failure = away();
  const event = auditEvent();
  const written = trail.record(event);
  await settled();
  await timers.advance(100);
  record.failure = undefined;
  await timers.advance(200);
  expect(await written).toBe(true);
  expect(batches).toEqual([[event.event.id], [event.event.id], [event.event.id]]);
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ["error", "audit events could not be written"],
    ["error", "audit events could not be written"],
  ]);
});

it("does not repeat what the record refuses: counts it as lost and logs what it was", async () => {
  const { trail, record, lines, counted } = started();
  record.failure = errors.validationFailed({ problems: "events[0].event.id" });
  expect(await trail.record(auditEvent())).toBe(false);
  expect(await counted("lost")).toBe(1);
  expect(lines.at(-1)).toMatchObject({
    message: "an audit event is lost",
    metadata: { method: "consciousness.agents.v1.AgentsService/DeleteAgent" },
  });
});

it("keeps so many events and no more, and tells of each that is lost", async () => {
  const { trail, record, counted, lines, timers, batches } = started({ bound: 2 });
  record.failure = away();
  const written = [1, 2, 3].map(() => trail.record(auditEvent()));
  for (let n = 0; n < 3; n += 1) trail.note(auditEvent());
  expect(await written[2]).toBe(false);
  expect(await counted("lost")).toBe(2);
  expect(lines.filter(({ message }) => message === "an audit event is lost")).toHaveLength(2);
  record.failure = undefined;
  await settled();
  await timers.advance(1_000);
  expect(await Promise.all(written)).toEqual([true, true, false]);
  expect(batches.at(-1)).toHaveLength(4);
});

it("sends what waits before it stops", async () => {
  const { trail, batches } = started();
  trail.note(auditEvent());
  await trail.stop();
  expect(batches).toHaveLength(1);
});

it("stops within two seconds of a record that is away, and logs what is lost", async () => {
  const { trail, record, timers, lines } = started();
  record.failure = away();
  trail.note(auditEvent());
  const stopped = trail.stop();
  await settled();
  await timers.advance(2_000);
  await stopped;
  expect(lines.at(-1)?.message).toBe("an audit event is lost");
});
