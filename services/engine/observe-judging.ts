import { LRUCache } from "lru-cache";
import type { Clock } from "../kit/clock.js";
import type { Metrics } from "../kit/metrics.js";
import { safetyHeads } from "./domain/models/heads.js";
import type { ReadText } from "./domain/run.js";

/**
 * Upper ends of the bands in which readings of a head are counted. Most texts
 * are harmless, so the bands are narrow where nearly all readings lie.
 */
export const readingBands = ["0.01", "0.03", "0.1", "0.3", "0.5", "0.7", "0.9", "1"] as const;

const activeMs = 5 * 60_000;
const mostAgents = 10_000;
const mostConversations = 10_000;

/** The band of a probability. */
export function bandOfReading(probability: number): (typeof readingBands)[number] {
  return readingBands.find((end) => probability <= Number(end)) ?? "1";
}

/** A reader that counts what each head about harm says of the texts that it reads. */
export function observeReadings(read: ReadText, { headReadings }: Pick<Metrics, "headReadings">): ReadText {
  const counters = new Map(
    safetyHeads.map((head) => [
      head,
      new Map(readingBands.map((band) => [band, headReadings.tally({ head, band })])),
    ]),
  );
  return async (text) => {
    const reading = await read(text);
    for (const head of safetyHeads) {
      counters.get(head)?.get(bandOfReading(reading.safety[head].probability))?.();
    }
    return reading;
  };
}

/** Shows how many agents answered lately. The function is told of each agent that did. */
export function observeAgents(
  { activeAgents }: Pick<Metrics, "activeAgents">,
  clock: Pick<Clock, "monotonic">,
): (agentId: string) => void {
  const last = new LRUCache<string, number>({ max: mostAgents });
  activeAgents.readFrom(() => {
    const since = clock.monotonic() - activeMs;
    return [...last.values()].filter((at) => at >= since).length;
  });
  return (agentId) => {
    if (agentId !== "") last.set(agentId, clock.monotonic());
  };
}

/** Counts conversations that begin. The function is told of each request in one. */
export function observeConversations({
  conversations,
}: Pick<Metrics, "conversations">): (tenant: string, conversationId: string) => void {
  const known = new LRUCache<string, true>({ max: mostConversations });
  return (tenant, conversationId) => {
    const key = `${tenant} ${conversationId}`;
    if (known.get(key)) return;
    known.set(key, true);
    conversations.add();
  };
}
