/** Whole numbers that look random, the same for the same seed on every machine (xorshift32, Marsaglia 2003). */
export function createRandom(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Shuffles in place (Fisher and Yates). */
export function shuffle<T extends { length: number; [at: number]: number }>(
  list: T,
  random: (below: number) => number,
): T {
  for (let at = list.length - 1; at > 0; at--) {
    const other = random(at + 1);
    const kept = list[at] as number;
    list[at] = list[other] as number;
    list[other] = kept;
  }
  return list;
}
