import { describe, expect, it } from "vitest";
import { createUsageMeter, type UsageSources } from "../../../services/engine/domain/process-usage.js";
import { fixedClock } from "../fixture.js";

function meter(sources: Partial<UsageSources> = {}) {
  const clock = fixedClock();
  let cpu = 7_000;
  const measure = createUsageMeter(clock, {
    cpuMicros: () => cpu,
    residentBytes: () => 300,
    limitBytes: 0,
    machineBytes: 1_000,
    ...sources,
  });
  return {
    measure,
    work(cpuMs: number, ms: number) {
      cpu += cpuMs * 1_000;
      clock.advance(ms);
    },
  };
}

describe("the usage of the process", () => {
  it("is processor time by the time gone by, above 1 where threads used several cores", () => {
    const { measure, work } = meter();
    const read = measure();
    work(5, 20);
    expect(read().cpuShare).toBe(0.25);
    work(55, 20);
    expect(read().cpuShare).toBe(1.5);
  });

  it("is unknown of the processor when no time has gone by", () => {
    expect(meter().measure()().cpuShare).toBeUndefined();
  });

  it.each([
    ["the limit of the control group", 600, 0.5],
    ["the machine's memory without a limit", 0, 0.3],
    ["the machine's memory where the limit is higher", 2 ** 64, 0.3],
    ["1 at most", 200, 1],
  ])("is resident memory by %s", (_, limitBytes, share) => {
    expect(meter({ limitBytes }).measure()().memoryShare).toBe(share);
  });

  it("is measured of this very process", () => {
    const clock = fixedClock();
    const read = createUsageMeter(clock)();
    clock.advance(1);
    expect(read().cpuShare).toBeGreaterThanOrEqual(0);
    expect(read().memoryShare).toBeGreaterThan(0);
    expect(read().memoryShare).toBeLessThan(1);
  });
});
