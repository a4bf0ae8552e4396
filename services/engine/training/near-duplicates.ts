/** Share of common words from which two texts count as variants of each other. */
const alike = 0.5;
/** Words in more than this share of the texts say nothing about which belong together. */
const common = 0.02;

/**
 * Groups texts that are variants of each other, directly or over others: those
 * whose sets of uncommon words overlap by half (Jaccard). Returns a group
 * number for each text.
 */
export function nearDuplicateGroups(texts: readonly string[]): Int32Array {
  const sets = texts.map((text) => [...new Set(text.toLowerCase().match(/[a-z]+/g) ?? [])]);
  const frequency = new Map<string, number>();
  for (const set of sets) for (const word of set) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const rare = sets.map((set) => {
    const kept = set.filter((word) => (frequency.get(word) ?? 0) <= common * texts.length + 1);
    return kept.sort((a, b) => (frequency.get(a) ?? 0) - (frequency.get(b) ?? 0) || (a < b ? -1 : 1));
  });
  return unite(rare);
}

function unite(sets: readonly (readonly string[])[]): Int32Array {
  const parents = Int32Array.from(sets, (_, at) => at);
  const root = (at: number): number => {
    let top = at;
    while (parents[top] !== top) top = parents[top] as number;
    for (let place = at; place !== top; ) {
      const next = parents[place] as number;
      parents[place] = top;
      place = next;
    }
    return top;
  };
  const holders = new Map<string, number[]>();
  sets.forEach((set, at) => {
    // Variants that overlap by half share one of the rarer half of their words.
    for (const word of set.slice(0, Math.ceil(set.length / 2) + 1)) {
      const others = holders.get(word) ?? [];
      for (const other of others)
        if (root(other) !== root(at) && overlap(set, sets[other] ?? []) >= alike)
          parents[root(at)] = root(other);
      others.push(at);
      holders.set(word, others);
    }
  });
  return Int32Array.from(sets, (_, at) => root(at));
}

function overlap(first: readonly string[], second: readonly string[]): number {
  const shared = first.filter((word) => second.includes(word)).length;
  return shared / (first.length + second.length - shared);
}
