const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as Prometheus reads it: `5m`, `30d`. */
export type Duration = `${number}${keyof typeof units}`;

/** Milliseconds of a duration. */
export function milliseconds(duration: Duration): number {
  const [, amount = "", unit = ""] = /^(\d+)(ms|s|m|h|d)$/.exec(duration) ?? [];
  const length = units[unit as keyof typeof units];
  if (length === undefined) throw new Error(`${duration} is no duration such as 5m`);
  return Number(amount) * length;
}

/**
 * Durations times a factor: what fires within hours is tried within seconds,
 * by the same rules. A factor of 1 leaves them as they are written.
 */
export function scaledBy(factor: number): (duration: Duration) => Duration {
  return (duration) =>
    factor === 1 ? duration : `${Math.max(1, Math.round(milliseconds(duration) * factor))}ms`;
}
