import type { Calibration } from "../domain/models/calibration.js";

/**
 * Fits a logistic map from scores to labels (1 or 0) by Newton's method, with
 * the smoothed targets of Platt 1999. `weights` say how often each counts.
 */
export function fitPlatt(
  scores: readonly number[],
  labels: readonly number[],
  weights?: readonly number[],
): Calibration {
  const positive = labels.reduce((sum, label) => sum + label, 0);
  const high = (positive + 1) / (positive + 2);
  const low = 1 / (labels.length - positive + 2);
  let slope = 1;
  let offset = 0;
  for (let step = 0; step < 100; step++) {
    const { gradient, curvature } = derivatives(scores, labels, { slope, offset }, [low, high], weights);
    const determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
    const down = (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant;
    const aside = (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant;
    slope -= limited(down);
    offset -= limited(aside);
    if (Math.abs(down) + Math.abs(aside) < 1e-9) break;
  }
  return { slope, offset };
}

function limited(step: number): number {
  return Math.min(2, Math.max(-2, step));
}

function derivatives(
  scores: readonly number[],
  labels: readonly number[],
  { slope, offset }: Calibration,
  targets: readonly [low: number, high: number],
  weights: readonly number[] | undefined,
) {
  const gradient: [number, number] = [0, 0];
  const curvature: [number, number, number] = [1e-9, 0, 1e-9];
  scores.forEach((score, at) => {
    const probability = 1 / (1 + Math.exp(-(slope * score + offset)));
    const weight = weights?.[at] ?? 1;
    const error = weight * (probability - targets[labels[at] === 1 ? 1 : 0]);
    const spread = weight * probability * (1 - probability);
    gradient[0] += error * score;
    gradient[1] += error;
    curvature[0] += spread * score * score;
    curvature[1] += spread * score;
    curvature[2] += spread;
  });
  return { gradient, curvature };
}
