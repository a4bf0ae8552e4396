import fc from "fast-check";
import { expect, it } from "vitest";
import { inZone, timeZoneOf } from "../../../services/analytics/domain/time-zone.js";

it.each([
  ["2026-03-29T00:59:59Z", "Europe/Vienna", "2026-03-29T01:59:59+01:00"],
  ["2026-03-29T01:00:00Z", "Europe/Vienna", "2026-03-29T03:00:00+02:00"],
  ["2026-10-25T00:30:00Z", "Europe/Vienna", "2026-10-25T02:30:00+02:00"],
  ["2026-10-25T01:30:00Z", "Europe/Vienna", "2026-10-25T02:30:00+01:00"],
  ["2026-06-01T00:00:00Z", "Asia/Kolkata", "2026-06-01T05:30:00+05:30"],
  ["2026-06-01T00:00:00Z", "America/St_Johns", "2026-05-31T21:30:00-02:30"],
  ["2026-06-01T00:00:00Z", "UTC", "2026-06-01T00:00:00Z"],
  // A difference of 44 minutes and 30 seconds, of which RFC 3339 can tell the minutes.
  ["1950-06-01T00:00:00Z", "Africa/Monrovia", "1950-05-31T23:16:00-00:44"],
])("%s is in %s %s", (moment, zone, shown) => {
  expect(inZone(new Date(moment), zone)).toBe(shown);
});

it("shows the same moment in every zone", () => {
  const zones = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
  const seconds = fc.integer({ min: -2_000_000_000, max: 4_000_000_000 });
  fc.assert(
    fc.property(zones, seconds, (zone, second) => {
      expect(Date.parse(inZone(new Date(second * 1000), zone))).toBe(second * 1000);
    }),
    { numRuns: 300 },
  );
});

it("knows the zones of the IANA database and their aliases, in any spelling, and no others", () => {
  expect(["", "UTC", "GMT"].map(timeZoneOf)).toEqual(["UTC", "UTC", "UTC"]);
  expect(timeZoneOf("europe/vienna")).toBe("Europe/Vienna");
  expect(timeZoneOf("Asia/Kolkata")).toBe(timeZoneOf("Asia/Calcutta"));
  expect(["Europe/Atlantis", "+01:00", "UTC'; drop table decisions; --"].map(timeZoneOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
