import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { type Consumer, type ConsumerOptions, startConsumer } from "../../events/consumer.js";
import type { Cache } from "./port.js";

/** What invalidation by events needs: a consumer's options, the cache, and what an event changes. */
export interface InvalidateOptions extends Omit<ConsumerOptions, "apply"> {
  readonly cache: Cache;
  /** The group that the event makes outdated, among those of its tenant; undefined for none. */
  groupOf(event: Event): string | undefined;
}

/** Starts a consumer that invalidates what events change. A cache that is away is waited for. */
export function invalidateByEvents({ cache, groupOf, ...options }: InvalidateOptions): Promise<Consumer> {
  return startConsumer({
    ...options,
    async apply(event) {
      const group = groupOf(event);
      if (group !== undefined) await cache.invalidate({ tenant: event.tenantId, group });
      return "applied";
    },
  });
}
