import type { SigningAlgorithm } from "../../kit/tokens.js";
import { longestAccessLifetime } from "../config.js";

/** When a key signs, and how. */
export interface ScheduledKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** From when on it signs, unless a later one does. */
  readonly signTime: Date;
  /** Whether its private half is kept. */
  readonly canSign: boolean;
}

/** How keys are rotated. */
export interface RotationSettings {
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs, in milliseconds. */
  readonly periodMs: number;
}

/** What is to be done. */
export interface RotationPlan {
  /** When a new key shall begin to sign; undefined when none is needed. */
  readonly signTime: Date | undefined;
  /** Keys whose private halves nobody needs any more. */
  readonly dropPrivate: readonly string[];
  /** Keys that verify no token any more. */
  readonly withdraw: readonly string[];
}

/** How long a key is published before it signs: verifiers fetch keys every 10 minutes or oftener. */
export const publishAheadMs = 30 * 60_000;
/** How long a replica with a slow clock, or a stale list, may go on signing with a key. */
const handoverMs = 10 * 60_000;

/**
 * Plans the rotation of keys, given in the order in which they sign: the next
 * one is published ahead, and one that signs no more stays until the last token
 * it may have signed has expired.
 */
export function planRotation(
  keys: readonly ScheduledKey[],
  now: number,
  settings: RotationSettings,
): RotationPlan {
  const retired = keys
    .slice(0, -1)
    .map((key, i) => ({ ...key, since: keys[i + 1]?.signTime.getTime() ?? now }));
  const keptMs = handoverMs + longestAccessLifetime * 1000;
  const withdraw = retired.filter(({ since }) => now >= since + keptMs).map(({ kid }) => kid);
  const dropPrivate = retired.filter(({ since, canSign }) => canSign && now >= since + handoverMs);
  return {
    signTime: nextSignTime(keys.at(-1), now, settings),
    dropPrivate: dropPrivate.map(({ kid }) => kid).filter((kid) => !withdraw.includes(kid)),
    withdraw,
  };
}

function nextSignTime(
  newest: ScheduledKey | undefined,
  now: number,
  { algorithm, periodMs }: RotationSettings,
): Date | undefined {
  if (!newest) return new Date(now);
  const signTime = newest.signTime.getTime();
  // Replicas that disagree on the algorithm make one key for each period of publication at most.
  if (signTime > now) return undefined;
  const earliest = now + publishAheadMs;
  const due = newest.algorithm === algorithm ? signTime + periodMs : earliest;
  return due <= earliest ? new Date(Math.max(due, earliest)) : undefined;
}

/** The key that signs at a time, of keys in that order: the first one for a clock that is behind. */
export function signingKeyAt<K extends ScheduledKey>(keys: readonly K[], now: number): K | undefined {
  const able = keys.filter(({ canSign }) => canSign);
  return able.findLast(({ signTime }) => signTime.getTime() <= now) ?? able[0];
}
