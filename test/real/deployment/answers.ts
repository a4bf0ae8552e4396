import type { Reply } from "./clients.js";

/** An answer and how long it took, in milliseconds. */
export interface Heard {
  readonly at: number;
  readonly took: number;
  readonly reply: Reply;
}

/** Remembers answers of a load. */
export interface Answers {
  hear(reply: Reply, took: number): void;
  /** Those asked for and given between two times of `performance.now()`. */
  between(from: number, to: number): readonly Heard[];
}

export function rememberAnswers(): Answers {
  const all: Heard[] = [];
  return {
    hear: (reply, took) => void all.push({ at: performance.now(), took, reply }),
    between: (from, to) => all.filter(({ at, took }) => at - took >= from && at < to),
  };
}

/** How often each status and reason was heard, such as `503 DEPENDENCY_UNAVAILABLE: 40`. */
export function tally(heard: readonly Heard[]): string {
  const counts = new Map<string, number>();
  for (const { reply } of heard) {
    const said = reply ? `${reply.status} ${reply.body?.reason ?? ""}`.trim() : "lost";
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  return [...counts].map(([said, count]) => `${said}: ${count}`).join(", ");
}

/** Answers that are no success and do not say either what is away or that the deadline has passed. */
export function unclear(heard: readonly Heard[]): string[] {
  const late = (reply: Reply) => reply?.status === 504 && reply.body?.reason === "DEADLINE_EXCEEDED";
  return heard
    .filter(({ reply }) => reply?.status !== 200 && !saysUnavailable(reply) && !late(reply))
    .map(describe);
}

/** Answers that are not DEPENDENCY_UNAVAILABLE with its status and a time to come back. */
export function unrefused(heard: readonly Heard[]): string[] {
  return heard.filter(({ reply }) => !saysUnavailable(reply)).map(describe);
}

function saysUnavailable(reply: Reply): boolean {
  if (reply?.status !== 503 || reply.body?.reason !== "DEPENDENCY_UNAVAILABLE") return false;
  return Number(reply.headers.get("retry-after")) > 0;
}

function describe({ reply, took }: Heard): string {
  if (!reply) return `lost after ${Math.round(took)} ms`;
  return `${reply.status} ${reply.body?.reason}: ${reply.body?.detail}, retry after ${reply.headers.get("retry-after")}`;
}
