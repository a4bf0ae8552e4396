import { probabilityOf } from "../domain/models/calibration.js";
import type { FrequencyTable } from "../domain/models/frequency.js";
import type { TagEntry } from "../domain/models/manifest.js";
import { tagBits, tagFeatureCount, tagFeatures, tagTokens } from "../domain/models/tag-features.js";
import { type Tag, tags } from "../domain/models/tagger.js";
import { bestThreshold } from "./best-threshold.js";
import { frequencySquares } from "./feature-scaling.js";
import { fitPlatt } from "./platt.js";
import { quantise } from "./quantise.js";
import type { Rows } from "./rows.js";
import { createSpace, solve } from "./solver.js";
import type { TaggedText } from "./tagging.js";

const recipe = { cost: 0.01, epochs: 8, seed: 5 } as const;
/** What a word that belongs costs when it is missed, beside one that is taken wrongly. */
const missed = 1.5;

/** The tagger with its weights. */
export interface TrainedTagger {
  readonly entries: TagEntry[];
  readonly weights: Int8Array;
}

interface Tokens {
  readonly rows: Rows;
  /** For each row the tags that hold it. */
  readonly held: readonly ReadonlySet<Tag>[];
  readonly split: readonly TaggedText["split"][];
}

/** Trains the tagger on words of texts; the threshold is where F1 of words is highest. */
export function trainTagger(texts: readonly TaggedText[], frequency: FrequencyTable): TrainedTagger {
  const { rows, held, split } = readTokens(texts, frequency);
  const of = (wanted: TaggedText["split"]) =>
    Int32Array.from(split.flatMap((one, at) => (one === wanted ? [at] : [])));
  const chosen = of("train");
  const calibrate = [...of("calibrate")];
  const squares = frequencySquares(rows, chosen, tagBits);
  const trained = tags.map((tag) => {
    const has = (at: number) => held[at]?.has(tag) ?? false;
    const targets = Float64Array.from(chosen, (at) => (has(at) ? 1 : -1));
    const costs = targets.map((target) => recipe.cost * (target > 0 ? missed : 1));
    const solution = solve({
      ...recipe,
      rows,
      bits: tagBits,
      chosen,
      targets,
      costs,
      squares,
      kind: "classify",
    });
    const space = createSpace({ rows, bits: tagBits, squares: solution.weights });
    space.weights.set(solution.weights);
    const scores = calibrate.map((at) => space.dot(at) + solution.bias);
    const labels = calibrate.map((at) => Number(has(at)));
    const calibration = fitPlatt(scores, labels);
    const threshold = bestThreshold(
      scores.map((score) => probabilityOf(score, calibration)),
      labels,
    );
    return { tag, solution, calibration, threshold };
  });
  const { weights, scales } = quantise(
    trained.map(({ solution }) => solution.weights),
    1 << tagBits,
  );
  const entries = trained.map(({ tag, solution, calibration, threshold }, at) => ({
    name: tag,
    scale: scales[at] as number,
    bias: solution.bias,
    ...calibration,
    threshold,
  }));
  return { entries, weights };
}

function readTokens(texts: readonly TaggedText[], frequency: FrequencyTable): Tokens {
  const buckets: number[] = [];
  const held: ReadonlySet<Tag>[] = [];
  const split: TaggedText["split"][] = [];
  const features = new Uint16Array(tagFeatureCount);
  for (const { text, spans, split: part } of texts) {
    const tokens = tagTokens(text, frequency);
    tokens.forEach(({ start, end }, at) => {
      tagFeatures(tokens, at, features);
      buckets.push(...features);
      held.push(new Set(spans.filter((span) => span.start < end && start < span.end).map(({ tag }) => tag)));
      split.push(part);
    });
  }
  const starts = Int32Array.from({ length: held.length + 1 }, (_, at) => at * tagFeatureCount);
  const rows = { count: held.length, buckets: Uint16Array.from(buckets), starts, middles: starts.slice(1) };
  return { rows, held, split };
}
