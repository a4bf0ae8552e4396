import { describe, expect, it } from "vitest";
import { firstShowing, stretchesOf } from "../../../services/analytics/store/time-zone.js";
import { thrownBy } from "../../support/expect-reason.js";

const ms = (time: string) => Date.parse(time);
const hour = 3_600_000;

function shown(timeZone: string, from: string, until: string) {
  return stretchesOf(timeZone, ms(from), ms(until)).map(
    ({ fromMs, offsetMs }) => [new Date(fromMs).toISOString(), offsetMs / hour] as const,
  );
}

describe("stretches of a time zone", () => {
  it("begin where its clocks change", () => {
    expect(shown("Europe/Vienna", "2026-01-01", "2027-01-01")).toEqual([
      ["2026-01-01T00:00:00.000Z", 1],
      ["2026-03-29T01:00:00.000Z", 2],
      ["2026-10-25T01:00:00.000Z", 1],
    ]);
    expect(shown("Australia/Lord_Howe", "2026-01-01", "2027-01-01").map(([, offset]) => offset)).toEqual([
      11, 10.5, 11,
    ]);
  });

  it("are one where clocks never change", () => {
    expect(shown("Asia/Kathmandu", "2000-01-01", "2026-01-01")).toEqual([["2000-01-01T00:00:00.000Z", 5.75]]);
    expect(stretchesOf("UTC", 0, Number.MAX_SAFE_INTEGER)).toEqual([{ fromMs: 0, offsetMs: 0 }]);
  });

  it("agree with the runtime's clocks at every hour of years of them", () => {
    for (const timeZone of ["America/Havana", "Africa/Casablanca", "Pacific/Apia", "Antarctica/Troll"]) {
      const [from, until] = [ms("2010-01-01"), ms("2012-06-01")];
      const stretches = stretchesOf(timeZone, from, until);
      const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
      let n = 0;
      for (let at = from; at < until; at += 5 * hour) {
        while ((stretches[n + 1]?.fromMs ?? Number.POSITIVE_INFINITY) <= at) n++;
        const local = new Date(at + (stretches[n]?.offsetMs ?? 0))
          .toISOString()
          .slice(0, 19)
          .replace("T", " ");
        if (local !== format.format(at)) expect([timeZone, new Date(at), local]).toBe(format.format(at));
      }
    }
  });

  it("are refused for more than 60 years, which would take long", () => {
    expect(thrownBy(() => stretchesOf("Europe/Vienna", 0, ms("2031-01-01")))).toMatchObject({
      reason: "QUERY_TOO_EXPENSIVE",
      metadata: { bound: "60 years of a time zone" },
    });
    expect(stretchesOf("Europe/Vienna", 0, ms("2029-01-01")).length).toBeGreaterThan(80);
  });
});

describe("the first moment that clocks show", () => {
  const first = (timeZone: string, from: string, until: string, local: string) =>
    new Date(firstShowing(stretchesOf(timeZone, ms(from), ms(until)), ms(`${local}Z`))).toISOString();

  it("is midnight, which begins days of 23 and 25 hours", () => {
    const midnight = (day: string) => first("Europe/Vienna", "2026-01-01", "2027-01-01", `${day}T00:00:00`);
    expect(ms(midnight("2026-03-30")) - ms(midnight("2026-03-29"))).toBe(23 * hour);
    expect(ms(midnight("2026-10-26")) - ms(midnight("2026-10-25"))).toBe(25 * hour);
  });

  it("is the earlier where they show it twice", () => {
    expect(first("America/Havana", "2026-01-01", "2027-01-01", "2026-11-01T00:00:00")).toBe(
      "2026-11-01T04:00:00.000Z",
    );
  });

  it("is where they jump when they never show it", () => {
    expect(first("Africa/Cairo", "2026-01-01", "2027-01-01", "2026-04-24T00:00:00")).toBe(
      "2026-04-23T22:00:00.000Z",
    );
    expect(first("Pacific/Apia", "2011-12-01", "2012-01-31", "2011-12-30T00:00:00")).toBe(
      "2011-12-30T10:00:00.000Z",
    );
  });
});
