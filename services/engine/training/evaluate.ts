import { loadModelWeights, weightsFolder } from "../domain/models/load.js";
import { createTextModel } from "../domain/models/text-model.js";
import { readDataset } from "./dataset.js";
import { evaluateAll, measureSpeed } from "./evaluate-all.js";
import { lineOf } from "./figure.js";
import { readOptions } from "./options.js";
import { safetySources } from "./sources/registry.js";

const { data, out, drop } = readOptions(process.argv.slice(2), weightsFolder());
const dataset = readDataset(
  safetySources.filter(({ name }) => !drop.has(name)),
  data,
);
const speed = measureSpeed(dataset, createTextModel(loadModelWeights(out)));
const lines = evaluateAll(dataset, data, out).map(lineOf);
process.stdout.write(`${lines.join("\n")}\nall heads on 1,000 characters, p95: ${speed.toFixed(2)} ms\n`);
