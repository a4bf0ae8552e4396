/** The probability from which saying yes gives the highest F1. Labels are 1 or 0. */
export function bestThreshold(probabilities: readonly number[], labels: readonly number[]): number {
  const ranked = probabilities
    .map((probability, at) => ({ probability, label: labels[at] as number }))
    .sort((a, b) => b.probability - a.probability);
  const positive = labels.reduce((sum, label) => sum + label, 0);
  let hits = 0;
  let best = { f1: 0, probability: 0.5 };
  ranked.forEach(({ probability, label }, at) => {
    hits += label;
    const f1 = (2 * hits) / (at + 1 + positive);
    if (f1 > best.f1) best = { f1, probability };
  });
  return best.probability;
}
