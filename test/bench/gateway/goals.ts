import { median, type Row } from "../rows.js";
import {
  type Contestant,
  connectJson,
  connectNodeHttp1,
  connectNodeHttp2,
  envoyUpstream,
  goGateway,
  grpcJs,
  grpcNative,
  rawHttp,
  rawHttp2,
  restInProcess,
  restUpstream,
  restUpstreamOwn,
} from "./contestants.js";
import type { Samples } from "./rounds.js";

/** How many times less CPU a contestant is to take than another. */
interface Goal {
  readonly name: string;
  readonly to: string;
  readonly atLeast: number;
}

const goals: readonly Goal[] = [
  { name: restInProcess, to: rawHttp, atLeast: 0.9 },
  { name: restInProcess, to: goGateway, atLeast: 1.4 },
  { name: restInProcess, to: connectNodeHttp1, atLeast: 4 },
  { name: restUpstream, to: envoyUpstream, atLeast: 0.65 },
  // At most 0.75 of Envoy's CPU.
  { name: restUpstreamOwn, to: envoyUpstream, atLeast: 1.33 },
  { name: grpcNative, to: rawHttp2, atLeast: 0.85 },
  { name: grpcNative, to: grpcJs, atLeast: 1 },
  { name: grpcNative, to: connectNodeHttp2, atLeast: 5 },
  { name: connectJson, to: rawHttp, atLeast: 0.8 },
];

/** Microseconds of CPU for each request, in proportion to raw Node and to whom a goal names. */
export function contestRows(contestants: readonly Contestant[], samples: Samples): Row[] {
  return contestants.flatMap(({ name, baseline }) => {
    const mine = samples.get(name);
    if (!mine) return [];
    const named = goals.filter((goal) => goal.name === name);
    const others = named.map(({ to }) => to).filter((to) => to !== baseline);
    return [baseline, ...others].flatMap((to) => rowOf(samples, name, to));
  });
}

function rowOf(samples: Samples, name: string, to: string): Row[] {
  const value = rounded(median(samples.get(name)?.map(({ cpu }) => cpu) ?? []));
  const row = { measure: name, value, unit: "µs" };
  const ratio = cpuRatio(samples, name, to);
  if (ratio === undefined) return [];
  const goal = goals.find((one) => one.name === name && one.to === to);
  const verdict = goal && { goal: `≥ ${goal.atLeast} × ${to}`, met: ratio >= goal.atLeast };
  return [{ ...row, ratio: rounded(ratio), to, ...verdict }];
}

/** How many times less CPU `name` takes than `to`: the median over the rounds in which both ran. */
export function cpuRatio(samples: Samples, name: string, to: string): number | undefined {
  const [mine, other] = [samples.get(name), samples.get(to)];
  if (!mine || !other) return undefined;
  return median(mine.map(({ cpu }, round) => (other[round]?.cpu ?? Number.NaN) / cpu));
}

/** With two decimals. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
