import { median, type Row } from "../rows.js";
import { contestants, goGateway, restInProcess } from "./contestants.js";
import { rounded } from "./goals.js";
import { openLoad } from "./launch.js";
import type { Outcome } from "./load/generator.js";
import { type Samples, warmUp } from "./rounds.js";

const share = 0.7;
const connections = 128;

/** Latency at 70 % of what grpc-gateway answers at most, at the same rate for both, in turns. */
export async function latencyRows(
  samples: Samples,
  { rounds, seconds }: { rounds: number; seconds: number },
  progress: (line: string) => void,
): Promise<Row[]> {
  const most = samples.get(goGateway)?.map((sample) => sample.requests / sample.seconds);
  if (!most) return [];
  const rate = Math.round(median(most) * share);
  const times = new Map<string, Outcome[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const name of [restInProcess, goGateway]) {
      const outcome = await atRate(name, { rate, seconds });
      progress(
        `round ${round}  at ${rate}/s, ${name}: p99 ${outcome.p99.toFixed(1)} ms, ${reached(outcome)}/s`,
      );
      times.set(name, [...(times.get(name) ?? []), outcome]);
    }
  }
  const middle = (name: string, of: (outcome: Outcome) => number) => median((times.get(name) ?? []).map(of));
  const [mine, other] = [middle(restInProcess, ({ p99 }) => p99), middle(goGateway, ({ p99 }) => p99)];
  const measure = `p99 at ${rate} requests/s (70 % of grpc-gateway's most)`;
  return [
    { measure: `${measure}, ${goGateway}`, value: rounded(other), unit: "ms" },
    {
      measure: `${measure}, ${restInProcess}`,
      value: rounded(mine),
      unit: "ms",
      ratio: rounded(other / mine),
      to: goGateway,
      goal: "≤ grpc-gateway's",
      met: mine <= other,
    },
    {
      measure: `answered of ${rate} requests/s, ${restInProcess}`,
      value: Math.round(middle(restInProcess, reached)),
      unit: "requests/s",
    },
  ];
}

function reached({ requests, seconds }: Outcome): number {
  return Math.round(requests / seconds);
}

async function atRate(name: string, { rate, seconds }: { rate: number; seconds: number }): Promise<Outcome> {
  const contestant = contestants.find((one) => one.name === name)!;
  const running = await contestant.start(0);
  const { port, token } = running;
  const load = await openLoad({ port, token, protocol: contestant.protocol, inFlight: connections });
  try {
    await warmUp(load);
    return await load.run({ seconds, rate });
  } finally {
    await load.stop();
    await running.stop();
  }
}
