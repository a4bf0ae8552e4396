import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../services/kit/ids.js";
import type { Bus, BusMessage, Delivery, Subscription } from "../../../services/kit/stores/bus/port.js";

/** What every bus promises; `open` makes one that nobody else uses. */
export function busContract(name: string, open: () => Promise<Bus>): void {
  describe(`the bus ${name}`, () => {
    let bus: Bus;
    let domain: string;
    beforeEach(async () => {
      bus = await open();
      domain = `d${newId().replaceAll("-", "")}`;
    });
    afterEach(() => bus.close());

    const message = (over: Partial<BusMessage> = {}): BusMessage => ({
      id: newId(),
      subject: `events.${domain}.Happened`,
      headers: {},
      body: new Uint8Array(),
      ...over,
    });
    const numbered = (count: number) =>
      Array.from({ length: count }, (_, at) => message({ body: Uint8Array.of(at) }));
    const subscribe = (over: { durable?: string; subject?: string; ackWaitMs?: number; max?: number } = {}) =>
      bus.subscribe({
        durable: over.durable ?? "reader",
        subject: over.subject ?? `events.${domain}.>`,
        ackWaitMs: over.ackWaitMs ?? 5_000,
        maxInFlight: over.max ?? 100,
      });

    it("hands a message over whole, and answers for it once it is settled", async () => {
      const reader = readerOf(await subscribe());
      const sent = message({ headers: { "ce-id": "x", traceparent: "00-ab" }, body: Uint8Array.of(0, 255) });
      const published = bus.publish([sent]);
      const delivery = await reader.next();
      expect(delivery).toMatchObject({ id: sent.id, subject: sent.subject, attempt: 1 });
      expect(delivery.headers).toMatchObject(sent.headers);
      expect([...delivery.body]).toEqual([0, 255]);
      delivery.ack();
      expect(await published).toEqual({ complete: true });
    });

    it("delivers in the order of publishing", async () => {
      const reader = readerOf(await subscribe());
      const published = bus.publish(numbered(50));
      const bodies: (number | undefined)[] = [];
      for (let left = 50; left > 0; left--) {
        const delivery = await reader.next();
        bodies.push(delivery.body[0]);
        delivery.ack();
      }
      expect(bodies).toEqual(Array.from({ length: 50 }, (_, at) => at));
      expect(await published).toEqual({ complete: true });
    });

    it("takes a message once, however often it is published", async () => {
      const reader = readerOf(await subscribe());
      const [first, second] = numbered(2);
      const published = Promise.all([bus.publish([first!]), bus.publish([first!, second!])]);
      const seen = [await reader.next(), await reader.next()];
      for (const delivery of seen) delivery.ack();
      expect(await published).toEqual([{ complete: true }, { complete: true }]);
      expect(seen.map(({ id }) => id)).toEqual([first?.id, second?.id]);
      expect(await bus.publish([first!])).toEqual({ complete: true });
      const last = message();
      const publishedLast = bus.publish([last]);
      const delivery = await reader.next();
      expect(delivery.id).toBe(last.id);
      delivery.ack();
      await publishedLast;
    });

    it("tells how many messages are not settled", async () => {
      const subscription = await subscribe();
      const reader = readerOf(subscription);
      const pending = () => subscription.pending(1_000);
      const published = bus.publish(numbered(3));
      const first = await reader.next();
      await expect.poll(pending).toBe(3);
      first.ack();
      await expect.poll(pending).toBe(2);
      for (let left = 2; left > 0; left--) (await reader.next()).ack();
      await expect.poll(pending).toBe(0);
      await published;
    });

    it("delivers only what the subscription is for", async () => {
      const reader = readerOf(await subscribe({ subject: `events.${domain}.Wanted` }));
      const published = bus.publish([message(), message({ subject: `events.${domain}.Wanted` })]);
      const delivery = await reader.next();
      expect(delivery.subject).toBe(`events.${domain}.Wanted`);
      delivery.ack();
      expect(await published).toEqual({ complete: true });
    });

    it("gives each durable every message, and readers of one durable a share", async () => {
      const other = readerOf(await subscribe({ durable: "other" }));
      const shared = [readerOf(await subscribe({ max: 2 })), readerOf(await subscribe({ max: 2 }))];
      const published = bus.publish(numbered(20));
      const collected: number[] = [];
      const drain = async (reader: Reader) => {
        while (collected.length < 20) {
          const delivery = await reader.next();
          collected.push(delivery.body[0] ?? -1);
          delivery.ack();
        }
      };
      const drained = Promise.race(shared.map(drain));
      for (let left = 20; left > 0; left--) (await other.next()).ack();
      expect(await published).toEqual({ complete: true });
      await drained;
      expect(collected.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    });

    it("delivers again what is refused, counting, and what is terminated never", async () => {
      const reader = readerOf(await subscribe());
      const [refused, terminated] = numbered(2);
      const published = bus.publish([refused!, terminated!]);
      const first = await reader.next();
      first.nak(50);
      const second = await reader.next();
      expect(second.id).toBe(terminated?.id);
      second.term();
      const again = await reader.next();
      expect([again.id, again.attempt]).toEqual([refused?.id, 2]);
      again.ack();
      expect(await published).toEqual({ complete: true });
    });

    it("delivers again what is not settled in time, unless more time is asked for", async () => {
      const reader = readerOf(await subscribe({ ackWaitMs: 300 }));
      const published = bus.publish(numbered(1));
      const first = await reader.next();
      const extending = setInterval(() => first.extend(), 100);
      const again = reader.next();
      const early = await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 900, "none"))]);
      expect(early).toBe("none");
      clearInterval(extending);
      const second = await again;
      expect([second.id, second.attempt]).toEqual([first.id, 2]);
      second.ack();
      expect(await published).toEqual({ complete: true });
    });

    it("holds messages back while as many as allowed are unsettled", async () => {
      const reader = readerOf(await subscribe({ max: 3 }));
      const published = bus.publish(numbered(5));
      const held = [await reader.next(), await reader.next(), await reader.next()];
      const fourth = reader.next();
      expect(await Promise.race([fourth, new Promise((resolve) => setTimeout(resolve, 300, "none"))])).toBe(
        "none",
      );
      for (const delivery of held) delivery.ack();
      (await fourth).ack();
      (await reader.next()).ack();
      expect(await published).toEqual({ complete: true });
    });

    it("keeps what a durable's readers leave behind for those who come after them", async () => {
      const subscription = await subscribe({ ackWaitMs: 1_000 });
      const leaving = readerOf(subscription);
      const published = bus.publish(numbered(2));
      (await leaving.next()).ack();
      await subscription.close();
      const coming = readerOf(await subscribe({ ackWaitMs: 1_000 }));
      const delivery = await coming.next();
      expect(delivery.body[0]).toBe(1);
      delivery.ack();
      expect(await published).toEqual({ complete: true });
    });

    it("says how far it came when the publisher gives up", async () => {
      await subscribe();
      const given = await bus.publish(numbered(2), AbortSignal.abort(new Error("no longer")));
      expect(given).toMatchObject({ complete: false, accepted: 0 });
    });

    it("ends its subscriptions and refuses everything once closed", async () => {
      const subscription = await subscribe();
      await bus.ping();
      await bus.close();
      const ended: unknown[] = [];
      for await (const delivery of subscription) ended.push(delivery);
      expect(ended).toEqual([]);
      expect(await bus.publish(numbered(1))).toMatchObject({ complete: false, accepted: 0 });
      await expect(bus.ping()).rejects.toMatchObject({ rawMessage: "The event bus does not answer." });
    });
  });
}

interface Reader {
  next(): Promise<Delivery>;
}

function readerOf(subscription: Subscription): Reader {
  const iterator = subscription[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      if (done) throw new Error("the subscription has ended");
      return value;
    },
  };
}
