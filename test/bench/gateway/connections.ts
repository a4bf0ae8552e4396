import type { Row } from "../rows.js";
import { contestants, restInProcess } from "./contestants.js";
import { residentBytes } from "./cpu.js";
import { rounded } from "./goals.js";
import { openLoad } from "./launch.js";

const idle = 9_936;
const live = 64;
const rate = 500;
const liveSeconds = 10;
const p99GoalMs = 200;

/** 10,000 connections to one process: what each costs, and how the traffic on a few of them fares. */
export async function connectionRows(): Promise<Row[]> {
  const contestant = contestants.find(({ name }) => name === restInProcess)!;
  const running = await contestant.start(0);
  const target = { port: running.port, token: running.token, protocol: contestant.protocol };
  const load = await openLoad({ ...target, inFlight: live });
  try {
    // A heap that has grown already does not count as connections.
    await load.run({ seconds: 5 });
    const before = residentBytes(running.pid);
    const holder = await openLoad({ ...target, inFlight: idle });
    try {
      const bytes = (residentBytes(running.pid) - before) / idle;
      const outcome = await load.run({ seconds: liveSeconds, rate });
      const met = outcome.p99 < p99GoalMs && outcome.errors === 0;
      return [
        { measure: "memory of one idle connection", value: rounded(bytes / 1024), unit: "KiB" },
        {
          measure: `p99 of ${rate} requests/s among ${idle + live} connections`,
          value: rounded(outcome.p99),
          unit: "ms",
          goal: `< ${p99GoalMs} ms, none failed`,
          met,
        },
      ];
    } finally {
      await holder.stop();
    }
  } finally {
    await load.stop();
    await running.stop();
  }
}
