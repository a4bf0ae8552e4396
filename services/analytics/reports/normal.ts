/**
 * Complementary error function, to a relative error of about 1e-14: the Taylor
 * series of erf below 2 (Abramowitz and Stegun 1964, 7.1.6), and from there the
 * continued fraction (7.1.14) evaluated by the modified Lentz method.
 */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < 2 ? 1 - erfBySeries(x) : erfcByFraction(x);
}

/** Probability that a standard normal variable is as far from 0 as `z`, or farther, either way. */
export function twoSided(z: number): number {
  return erfc(Math.abs(z) / Math.SQRT2);
}

// erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)), whose terms are all positive.
function erfBySeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * Number.EPSILON; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

// √π · e^(x²) · erfc(x) = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))).
function erfcByFraction(x: number): number {
  let value = x;
  let c = x;
  let d = 0;
  for (let n = 1; n <= 500; n += 1) {
    d = 1 / (x + (n / 2) * d);
    c = x + n / 2 / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < Number.EPSILON) break;
  }
  return Math.exp(-x * x) / (value * Math.sqrt(Math.PI));
}
