import { vi } from "vitest";

/**
 * Resolves to the condition's value once that is truthy, and rejects after 20 s:
 * long enough for a machine that is busy with other things, as vitest's own
 * second is not.
 */
export function until<T>(condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  return vi.waitUntil(condition, { timeout: 20_000, interval: 5 }) as Promise<NonNullable<T>>;
}

/** Resolves to the assertion's value once that does not throw, and rejects with its error after 20 s. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: 20_000, interval: 5 });
}
