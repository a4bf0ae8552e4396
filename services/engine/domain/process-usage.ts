import { totalmem } from "node:os";
import type { Clock } from "../../kit/clock.js";

/** What the process uses. */
export interface ProcessUsage {
  /** Processor time since the start by the time since then: the share of one core. Undefined when no time has gone by. */
  readonly cpuShare: number | undefined;
  /** Resident memory by its limit, 0..1. */
  readonly memoryShare: number;
}

/** Starts to measure; what it returns may be asked several times. */
export type MeasureUsage = () => () => ProcessUsage;

/** What the measurement reads, the process' own unless a test has others. */
export interface UsageSources {
  /** Processor time of all threads so far, in microseconds. */
  readonly cpuMicros: () => number;
  /** Resident memory, in bytes. */
  readonly residentBytes: () => number;
  /** Limit of the control group, in bytes: 0 or more than the machine has where there is none. */
  readonly limitBytes: number;
  /** What the machine has, in bytes. */
  readonly machineBytes: number;
}

/** Measures this process. */
export function createUsageMeter(clock: Clock, sources: UsageSources = ownProcess()): MeasureUsage {
  const { cpuMicros, residentBytes, limitBytes, machineBytes } = sources;
  const limit = limitBytes > 0 ? Math.min(limitBytes, machineBytes) : machineBytes;
  return () => {
    const start = { at: clock.monotonic(), cpu: cpuMicros() };
    return () => {
      const elapsedMs = clock.monotonic() - start.at;
      const cpuMs = (cpuMicros() - start.cpu) / 1000;
      return {
        cpuShare: elapsedMs > 0 ? cpuMs / elapsedMs : undefined,
        memoryShare: Math.min(1, residentBytes() / limit),
      };
    };
  };
}

function ownProcess(): UsageSources {
  return {
    cpuMicros() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    residentBytes: () => process.memoryUsage.rss(),
    limitBytes: process.constrainedMemory(),
    machineBytes: totalmem(),
  };
}
