import { describe, expect, it } from "vitest";
import {
  planRotation,
  publishAheadMs,
  type ScheduledKey,
  signingKeyAt,
} from "../../../services/auth/domain/key-rotation.js";

const minute = 60_000;
const day = 1440 * minute;
const start = Date.parse("2026-03-01T00:00:00Z");
const settings = { algorithm: "RS256", periodMs: 30 * day } as const;
const key = (kid: string, at: number, changes: Partial<ScheduledKey> = {}): ScheduledKey => ({
  kid,
  algorithm: "RS256",
  signTime: new Date(start + at),
  canSign: true,
  ...changes,
});
const plan = (keys: readonly ScheduledKey[], at: number) => planRotation(keys, start + at, settings);
const nothing = { signTime: undefined, dropPrivate: [], withdraw: [] };

describe("planRotation", () => {
  it("makes a first key that signs at once", () => {
    expect(plan([], 0)).toEqual({ ...nothing, signTime: new Date(start) });
  });

  it("makes the next key half an hour before it signs, not earlier", () => {
    const due = 30 * day;
    expect(plan([key("a", 0)], due - publishAheadMs - 1)).toEqual(nothing);
    expect(plan([key("a", 0)], due - publishAheadMs)).toEqual({
      ...nothing,
      signTime: new Date(start + due),
    });
  });

  it("publishes one ahead even when it comes late", () => {
    const late = 45 * day;
    const signTime = new Date(start + late + publishAheadMs);
    expect(plan([key("a", 0)], late)).toEqual({ ...nothing, signTime });
  });

  it("makes no further key while one waits", () => {
    expect(plan([key("a", 0), key("b", 30 * day)], 30 * day - 1)).toEqual(nothing);
  });

  it("makes a key of another algorithm when that is configured, once the newest signs", () => {
    const other = key("a", 0, { algorithm: "ES256" });
    expect(plan([other], -1)).toEqual(nothing);
    expect(plan([other], 0).signTime).toEqual(new Date(start + publishAheadMs));
  });

  it("drops the private half of a key 10 minutes after it signed last", () => {
    const keys = [key("a", 0), key("b", 30 * day)];
    expect(plan(keys, 30 * day + 10 * minute - 1)).toEqual(nothing);
    expect(plan(keys, 30 * day + 10 * minute)).toEqual({ ...nothing, dropPrivate: ["a"] });
    const dropped = [key("a", 0, { canSign: false }), key("b", 30 * day)];
    expect(plan(dropped, 30 * day + 10 * minute)).toEqual(nothing);
  });

  it("withdraws a key when the last token that it may have signed has expired", () => {
    const keys = [key("a", 0, { canSign: false }), key("b", 30 * day)];
    expect(plan(keys, 31 * day + 10 * minute - 1)).toEqual(nothing);
    expect(plan(keys, 31 * day + 10 * minute)).toEqual({ ...nothing, withdraw: ["a"] });
  });

  it("never drops or withdraws the newest key", () => {
    expect(plan([key("a", 0)], 1000 * day)).toMatchObject({ dropPrivate: [], withdraw: [] });
  });
});

describe("signingKeyAt", () => {
  const keys = [key("a", 0), key("b", 30 * day)];
  const at = (ms: number) => signingKeyAt(keys, start + ms)?.kid;

  it("is the latest that has begun to sign", () => {
    expect([at(0), at(30 * day - 1), at(30 * day)]).toEqual(["a", "a", "b"]);
  });

  it("is the first one for a clock that is behind, and none of none", () => {
    expect(at(-1)).toBe("a");
    expect(signingKeyAt([], start)).toBeUndefined();
  });

  it("is none whose private half was dropped", () => {
    expect(signingKeyAt([key("a", 0, { canSign: false }), key("b", day)], start)?.kid).toBe("b");
  });
});
