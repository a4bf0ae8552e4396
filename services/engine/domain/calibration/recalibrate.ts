import { type Calibration, probabilityOf } from "../models/calibration.js";
import { type Labelled, type Reliability, reliabilityOf } from "./reliability.js";

/** How many labels a recalibration needs: so many of each kind, and five times as many in all. */
export interface Enough {
  readonly ofEachKind: number;
}

/** A recalibration, and how well it does on labels that it was not fitted to. */
export interface Recalibrated {
  readonly calibration: Calibration;
  readonly reliability: Reliability;
}

const kindsInAll = 5;
const folds = 5;
const mostSteps = 50;
const converged = 1e-9;
/** Keeps the order of answers, whatever the labels say. */
const leastSlope = 0.05;
/** Strength of the prior that the shipped calibration is right, in labels' worth of curvature. */
const priorOfSlope = 1;
const priorOfOffset = 0.1;
/** Probabilities nearer to 0 or 1 count as this near. */
const nearest = 1e-4;

/** A probability after recalibration. */
export function recalibrated(probability: number, calibration: Calibration): number {
  return probabilityOf(logit(probability), calibration);
}

/**
 * Fits slope and offset over the logit of the shipped probability (Platt 1999)
 * by Newton's method, with a prior that it is right as it is; undefined until
 * there are enough labels. Its reliability is that of five folds, each judged
 * by a fit to the other four.
 */
export function recalibrate(labelled: readonly Labelled[], enough: Enough): Recalibrated | undefined {
  const supported = labelled.filter((one) => one.supported >= 0.5).length;
  const fewer = Math.min(supported, labelled.length - supported);
  if (fewer < enough.ofEachKind || labelled.length < enough.ofEachKind * kindsInAll) return undefined;
  const reliability = reliabilityOf(heldOut(labelled));
  return reliability && { calibration: adjust(labelled), reliability };
}

function heldOut(labelled: readonly Labelled[]): Labelled[] {
  return Array.from({ length: folds }, (_, fold) => {
    const calibration = adjust(labelled.filter((_, at) => at % folds !== fold));
    return labelled
      .filter((_, at) => at % folds === fold)
      .map(({ probability, supported }) => ({
        probability: recalibrated(probability, calibration),
        supported,
      }));
  }).flat();
}

function adjust(labelled: readonly Labelled[]): Calibration {
  const points = labelled.map(({ probability, supported }) => ({ x: logit(probability), y: supported }));
  let current: Calibration = { slope: 1, offset: 0 };
  let loss = lossOf(points, current);
  for (let step = 0; step < mostSteps; step++) {
    const { next, nextLoss } = improved(points, current, loss);
    const gain = loss - nextLoss;
    if (gain <= converged) break;
    current = next;
    loss = nextLoss;
  }
  return current;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A step of Newton's method, halved until it improves; the same point when none does. */
function improved(points: readonly Point[], current: Calibration, loss: number) {
  const direction = newtonStep(points, current);
  for (let size = 1; size > 1e-6; size /= 2) {
    const next = {
      slope: Math.max(leastSlope, current.slope - size * direction.slope),
      offset: current.offset - size * direction.offset,
    };
    const nextLoss = lossOf(points, next);
    if (nextLoss < loss) return { next, nextLoss };
  }
  return { next: current, nextLoss: loss };
}

function newtonStep(points: readonly Point[], current: Calibration): Calibration {
  let slope = priorOfSlope * (current.slope - 1);
  let offset = priorOfOffset * current.offset;
  let slopes = priorOfSlope;
  let offsets = priorOfOffset;
  let both = 0;
  for (const { x, y } of points) {
    const p = probabilityOf(x, current);
    const curvature = p * (1 - p);
    slope += (p - y) * x;
    offset += p - y;
    slopes += curvature * x * x;
    offsets += curvature;
    both += curvature * x;
  }
  const determinant = slopes * offsets - both * both;
  return {
    slope: (offsets * slope - both * offset) / determinant,
    offset: (slopes * offset - both * slope) / determinant,
  };
}

function lossOf(points: readonly Point[], { slope, offset }: Calibration): number {
  const prior = (priorOfSlope * (slope - 1) ** 2 + priorOfOffset * offset ** 2) / 2;
  return points.reduce((sum, { x, y }) => {
    const score = slope * x + offset;
    return sum + softplus(score) - y * score;
  }, prior);
}

/** log(1 + e^x), without overflow. */
function softplus(x: number): number {
  return Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
}

function logit(probability: number): number {
  const bounded = Math.min(1 - nearest, Math.max(nearest, probability));
  return Math.log(bounded / (1 - bounded));
}
