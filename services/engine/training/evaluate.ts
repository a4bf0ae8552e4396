import { loadModelWeights, weightsFolder } from "../domain/models/load.js";
import { createTextModel } from "../domain/models/text-model.js";
import { createTextJudge } from "../judge-text.js";
import { readDataset } from "./dataset.js";
import { evaluateAll } from "./evaluate-all.js";
import { lineOf } from "./figure.js";
import { readOptions } from "./options.js";
import { safetySources } from "./sources/registry.js";
import { measureSpeed } from "./speed.js";
import { readArticles } from "./squad.js";
import { frequencyOf, supportExamples } from "./support-examples.js";
import { trainNoise } from "./train-noise.js";
import { crossFitAll } from "./train-safety.js";
import { trainSupport } from "./train-support.js";

const { data, out, drop } = readOptions(process.argv.slice(2), weightsFolder());
const dataset = readDataset(
  safetySources.filter(({ name }) => !drop.has(name)),
  data,
);
const model = createTextModel(loadModelWeights(out));
const judge = createTextJudge();
const speeds = {
  "all heads": await measureSpeed(dataset, (text) => model.read(text)),
  "all judges": await measureSpeed(dataset, (text) => judge({ text })),
};
const foreign = {
  scores: crossFitAll(dataset),
  noise: trainNoise(dataset).score,
  support: trainSupport(supportExamples(readArticles(data), frequencyOf(dataset))).foreign,
};
const { goals, heads } = evaluateAll(dataset, foreign, data, out);
const lines = [...goals, ...heads].map(lineOf);
for (const [name, { median, p95 }] of Object.entries(speeds))
  lines.push(`${name} on 1,000 characters: median ${median.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`);
process.stdout.write(`${lines.join("\n")}\n`);
