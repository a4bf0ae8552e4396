import { expect, it, onTestFinished } from "vitest";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { createPseudonyms } from "../../../services/analytics/domain/pseudonyms.js";
import { startIngest } from "../../../services/analytics/ingest/ingest.js";
import type { Batch } from "../../../services/analytics/store/port.js";
import { systemClock } from "../../../services/kit/clock.js";
import { errors } from "../../../services/kit/errors.js";
import { toMessage } from "../../../services/kit/events/cloud-event.js";
import type { DeadLetter } from "../../../services/kit/events/dead-letters.js";
import { newId } from "../../../services/kit/ids.js";
import { memoryBus } from "../../../services/kit/stores/bus/memory.js";
import { recordedLog, recordedMetrics } from "../../kit/chain/calls.js";
import { until } from "../../support/until.js";
import { decided, labelled } from "../support/analytics.js";

/** Ingest over a bus in memory, into a store that does as the test says. */
async function ingesting(append: (batch: Batch) => Promise<void>) {
  const bus = memoryBus();
  const letters: DeadLetter[] = [];
  const { metrics, matching } = recordedMetrics();
  const ingest = await startIngest({
    bus,
    log: recordedLog().log,
    metrics,
    clock: systemClock,
    deadLetters: { add: async (letter) => void letters.push(letter) },
    store: { append },
    pseudonyms: createPseudonyms(Buffer.alloc(32, 1)),
    retryMs: 1,
  });
  onTestFinished(async () => {
    await bus.close();
    await ingest.stop();
  });
  const publish = (...events: readonly Event[]) => bus.publish(events.map((one) => toMessage(one, "engine")));
  return { ingest, publish, letters, matching };
}

it("settles an event when the store has its row, and not before", async () => {
  const kept: Batch[] = [];
  let keep = () => {};
  const { publish, ingest } = await ingesting(async (batch) => {
    kept.push(batch);
    await new Promise<void>((resolve) => {
      keep = resolve;
    });
  });
  let settled = false;
  const publishing = publish(decided(), labelled({ decisionId: newId() }), decided()).then(() => {
    settled = true;
  });
  await until(() => kept.length > 0);
  expect(settled).toBe(false);
  expect(ingest.lag()).toBeGreaterThan(0);
  keep();
  await publishing;
  expect(kept.map(({ decisions, labels }) => [decisions.length, labels.length])).toEqual([[2, 1]]);
});

it("keeps many events in few batches", async () => {
  const sizes: number[] = [];
  const { publish } = await ingesting(async ({ decisions }) => void sizes.push(decisions.length));
  const published = await publish(...Array.from({ length: 1_000 }, () => decided()));
  expect(published.complete).toBe(true);
  expect(sizes).toEqual([500, 500]);
});

it("sets aside what it cannot read or keep, and keeps what came with it", async () => {
  const kept: string[] = [];
  const { publish, letters } = await ingesting(async ({ decisions }) => {
    if (decisions.some(({ agentId }) => agentId === "odd")) throw errors.internal(new Error("odd"));
    kept.push(...decisions.map(({ decisionId }) => decisionId));
  });
  const good = [decided(), decided()];
  const odd = decided({ agentId: "odd" });
  const unreadable = decided();
  const payload = { ...unreadable.payload!, value: Uint8Array.of(0xff) };
  await publish(good[0]!, odd, { ...unreadable, payload }, good[1]!);
  expect(kept.sort()).toEqual(good.map(({ aggregateId }) => aggregateId).sort());
  expect(letters.map(({ id }) => id).sort()).toEqual([odd.id, unreadable.id].sort());
});

it("waits for a store that is away, sets nothing aside, and counts its failures", async () => {
  let away = true;
  const kept: Batch[] = [];
  const { publish, letters, matching } = await ingesting(async (batch) => {
    if (away) throw errors.dependencyUnavailable({ dependency: "The store" });
    kept.push(batch);
  });
  const failures = async () => {
    const [line = ""] = await matching("analytics_append_failures_total ");
    return Number(line.split(" ")[1] ?? 0);
  };
  const publishing = publish(decided());
  await until(async () => (await failures()) >= 2);
  expect((await matching("analytics_ingest_lag_seconds "))[0]).not.toBe("analytics_ingest_lag_seconds 0");
  away = false;
  await publishing;
  expect([kept.length, letters]).toEqual([1, []]);
});

it("lets events pass that have nothing to count", async () => {
  const { publish } = await ingesting(async () => {
    throw new Error("there is nothing to keep");
  });
  const event = decided();
  const payload = { ...event.payload!, typeUrl: "type.googleapis.com/consciousness.engine.v1.SelfAssessed" };
  expect(await publish({ ...event, payload })).toEqual({ complete: true });
});
