import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";

/** What the last requests were like. */
export interface RecentMeans {
  /** Mean of the known values; undefined without any. */
  readonly awareness: number | undefined;
  readonly alignment: number | undefined;
  /** Of the last request. */
  readonly depth: number | undefined;
}

/** Remembers the signals of the last requests. */
export interface RecentRequests {
  add(decision: Decision): void;
  means(): RecentMeans;
}

/** Remembers the last `size` requests of this process. */
export function createRecentRequests(size = 100): RecentRequests {
  const states: NonNullable<Decision["consciousnessState"]>[] = [];
  return {
    add({ consciousnessState }) {
      if (consciousnessState) states.push(consciousnessState);
      if (states.length > size) states.shift();
    },
    means: () => ({
      awareness: mean(states.map(({ awarenessLevel }) => awarenessLevel)),
      alignment: mean(states.map(({ ethicalAlignment }) => ethicalAlignment)),
      depth: states.at(-1)?.metaCognitiveDepth,
    }),
  };
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}
