import { setTimeout as pause } from "node:timers/promises";

const megabyte = 1024 * 1024;

/** Megabytes that live objects and their buffers take, once the garbage is gone. */
export async function settledMegabytes(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    // Sockets and finalizers let go in turns of the event loop.
    await pause(20);
    global.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / megabyte;
}

/** The highest use while `run` runs, in megabytes, garbage included. */
export async function peakMegabytes(run: () => Promise<void>): Promise<number> {
  let peak = 0;
  const sample = () => {
    const { heapUsed, external } = process.memoryUsage();
    peak = Math.max(peak, (heapUsed + external) / megabyte);
  };
  const timer = setInterval(sample, 10);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  sample();
  return peak;
}

/** Sockets and timers that keep the process alive. */
export function openHandles(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout" && kind !== "Immediate").length;
}
