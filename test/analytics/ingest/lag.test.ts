import { expect, it } from "vitest";
import { createLag } from "../../../services/analytics/ingest/lag.js";

function at(start: number) {
  const time = { now: start };
  return { time, lag: createLag({ now: () => time.now, monotonic: () => time.now }) };
}

it("is unknown before the first event", () => {
  expect(at(0).lag.seconds()).toBeUndefined();
});

it("is how old the latest event was when it was kept", () => {
  const { time, lag } = at(10_000);
  const first = lag.arrived(9_000);
  time.now = 10_500;
  first(true);
  time.now = 60_000;
  expect(lag.seconds()).toBe(1.5);
});

it("grows with the age of the oldest event that waits", () => {
  const { time, lag } = at(10_000);
  const older = lag.arrived(9_000);
  lag.arrived(9_900);
  time.now = 40_000;
  expect(lag.seconds()).toBe(31);
  older(true);
  expect(lag.seconds()).toBe(31);
});

it("grows with the age of an event that could not be kept, until another could", () => {
  const { time, lag } = at(10_000);
  lag.arrived(9_000)(false);
  time.now = 40_000;
  expect(lag.seconds()).toBe(31);
  lag.arrived(39_500)(true);
  expect(lag.seconds()).toBe(0.5);
});

it("is not negative where the clock of who recorded the event is ahead", () => {
  const { lag } = at(10_000);
  lag.arrived(12_000)(true);
  expect(lag.seconds()).toBe(0);
});
