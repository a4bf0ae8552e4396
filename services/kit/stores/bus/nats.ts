import { headers, type JetStreamClient, type MsgHdrs, type NatsConnection } from "nats";
import type { DeadLetters } from "../../events/dead-letters.js";
import { type NatsServers, natsLink, natsUnavailable } from "./nats-connection.js";
import { natsDeadLetters } from "./nats-dead-letters.js";
import { ensureStream, type StreamOptions } from "./nats-streams.js";
import { natsSubscription } from "./nats-subscription.js";
import { type Bus, type BusMessage, type Published, streamOf } from "./port.js";

export interface NatsBusOptions extends NatsServers, Partial<StreamOptions> {
  /** How long the server may take to answer for a batch, in milliseconds. */
  readonly publishMs?: number;
}

/** A bus that keeps dead letters too. */
export interface NatsBus extends Bus {
  readonly deadLetters: DeadLetters;
}

/** How long events are kept unless told otherwise, in milliseconds. */
export const defaultRetentionMs = 14 * 86_400_000;

/**
 * A bus over NATS JetStream: a stream per domain and one for dead letters, a
 * durable pull consumer per subscription. A subscription that begins gets all
 * that its stream still has.
 *
 * Each message names the one that must be last in the stream before it, so that
 * none can overtake one that was lost with a connection.
 */
export async function natsBus(options: NatsBusOptions): Promise<NatsBus> {
  const { replicas = 1, retentionMs = defaultRetentionMs, publishMs = 5_000 } = options;
  const link = await natsLink(options);
  const closed = new AbortController();
  const known = new Set<string>();

  const ensure = async (stream: string) => {
    if (known.has(stream)) return;
    const manager = await link.current().jetstreamManager({ checkAPI: false, timeout: publishMs });
    await ensureStream(manager, stream, { replicas, retentionMs });
    known.add(stream);
  };

  const publish = async (messages: readonly BusMessage[], signal?: AbortSignal): Promise<Published> => {
    const streams = new Set(messages.map(({ subject }) => streamOf(subject)));
    try {
      signal?.throwIfAborted();
      for (const stream of streams) await ensure(stream);
      const outcomes = await Promise.allSettled(publishAll(link.current(), messages, publishMs));
      const accepted = outcomes.findIndex(({ status }) => status === "rejected");
      const failed = outcomes[accepted];
      if (failed?.status !== "rejected") return { complete: true };
      known.clear();
      return { complete: false, accepted, error: natsUnavailable(failed.reason) };
    } catch (error) {
      return { complete: false, accepted: 0, error: natsUnavailable(error) };
    }
  };

  return {
    system: "nats",
    publish,
    deadLetters: natsDeadLetters({ current: link.current, ensure, publish }),
    subscribe: async (wanted) =>
      natsSubscription({ ...wanted, current: link.current, ensure, closed: closed.signal }),
    async ping(signal) {
      signal?.throwIfAborted();
      const connection = link.current();
      // Answered by JetStream itself, which may be away where the server is not.
      await connection.request("$JS.API.INFO", undefined, { timeout: publishMs }).catch((error) => {
        throw natsUnavailable(error);
      });
    },
    async close() {
      closed.abort(natsUnavailable());
      await link.close();
    },
  };
}

function publishAll(connection: NatsConnection, messages: readonly BusMessage[], timeout: number) {
  const js: JetStreamClient = connection.jetstream({ timeout });
  const last = new Map<string, string>();
  return messages.map(({ id, subject, headers: attributes, body }) => {
    const stream = streamOf(subject);
    const lastMsgID = last.get(stream);
    last.set(stream, id);
    return js.publish(subject, body, {
      msgID: id,
      headers: natsHeaders(attributes),
      ...(lastMsgID && { expect: { lastMsgID } }),
    });
  });
}

function natsHeaders(attributes: Readonly<Record<string, string>>): MsgHdrs {
  const result = headers();
  for (const [name, value] of Object.entries(attributes)) result.set(name, value);
  return result;
}
