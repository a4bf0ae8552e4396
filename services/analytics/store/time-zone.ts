import { errors } from "../../kit/errors.js";

/** From this moment, in milliseconds since the Unix epoch, a zone's clocks are ahead of UTC by so many. */
export interface Stretch {
  readonly fromMs: number;
  readonly offsetMs: number;
}

const secondMs = 1000;
const dayMs = 86_400_000;
const yearMs = 365.25 * dayMs;

/** No zone has changed its offset twice in so short a time since 1970. */
const stepMs = 4 * dayMs;
const mostYears = 60;

/**
 * How a zone's clocks went from one moment to another, in order, as the
 * runtime's copy of the IANA database has it. Every engine gets its offsets
 * from here, so that all cut time alike whatever they know of zones. Throws
 * QUERY_TOO_EXPENSIVE for more than 60 years of any zone but UTC.
 */
export function stretchesOf(timeZone: string, fromMs: number, untilMs: number): readonly Stretch[] {
  if (timeZone === "UTC") return [{ fromMs, offsetMs: 0 }];
  if (untilMs - fromMs > mostYears * yearMs) {
    throw errors.queryTooExpensive({ bound: `${mostYears} years of a time zone` });
  }
  const offsetAt = offsetsOf(timeZone);
  const stretches: Stretch[] = [{ fromMs, offsetMs: offsetAt(fromMs) }];
  for (let at = fromMs, offsetMs = offsetAt(fromMs); at < untilMs; at += stepMs) {
    const next = offsetAt(at + stepMs);
    if (next === offsetMs) continue;
    stretches.push({ fromMs: changeBetween(at, at + stepMs, offsetAt), offsetMs: next });
    offsetMs = next;
  }
  return stretches;
}

/** The first moment at which clocks show this time or a later one. `localMs` is counted as if they showed UTC. */
export function firstShowing(stretches: readonly Stretch[], localMs: number): number {
  for (const [n, { fromMs, offsetMs }] of stretches.entries()) {
    const at = localMs - offsetMs;
    const end = stretches[n + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    if (at < end) return n === 0 ? at : Math.max(at, fromMs);
  }
  return localMs;
}

function changeBetween(fromMs: number, untilMs: number, offsetAt: (ms: number) => number): number {
  const before = offsetAt(fromMs);
  let low = Math.floor(fromMs / secondMs);
  let high = Math.ceil(untilMs / secondMs);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * secondMs) === before) low = middle;
    else high = middle;
  }
  return high * secondMs;
}

function offsetsOf(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (ms) => {
    const shown = Object.fromEntries(
      format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / secondMs) * secondMs;
  };
}
