import { expect, it } from "vitest";
import { newId } from "../../../../services/kit/ids.js";
import { memoryBus } from "../../../../services/kit/stores/bus/memory.js";
import { busContract } from "../bus-contract.js";

busContract("in memory", async () => memoryBus());

const message = () => ({ id: newId(), subject: "events.d.Happened", headers: {}, body: new Uint8Array() });
const options = { durable: "reader", subject: "events.d.>", ackWaitMs: 5_000, maxInFlight: 100 };

it("the bus in memory takes at once what nobody subscribes to", async () => {
  expect(await memoryBus().publish([message()])).toEqual({ complete: true });
});

it("the bus in memory is bounded: messages beyond the bound do not get in", async () => {
  const bus = memoryBus({ queueLimit: 2 });
  const subscription = await bus.subscribe(options);
  const published = bus.publish([message(), message(), message()]);
  const settled: string[] = [];
  for await (const delivery of subscription) {
    settled.push(delivery.id);
    delivery.ack();
    if (settled.length === 2) break;
  }
  const outcome = await published;
  expect(outcome).toMatchObject({ complete: false, accepted: 2 });
  expect("error" in outcome && String(outcome.error)).toContain("at its limit of 2");
});
