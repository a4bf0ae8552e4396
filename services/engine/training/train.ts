import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lexiconBytes, weightsFolder } from "../domain/models/load.js";
import type { Manifest, WeightFile } from "../domain/models/manifest.js";
import { attributions } from "./attributions.js";
import { renderCard } from "./card.js";
import { readDataset } from "./dataset.js";
import { readVader } from "./ethics.js";
import { evaluateAll } from "./evaluate-all.js";
import { readOptions } from "./options.js";
import { safetySources } from "./sources/registry.js";
import { readArticles } from "./squad.js";
import { frequencyOf, supportExamples } from "./support-examples.js";
import { commentTexts, readSynthetic, syntheticTexts } from "./tagging.js";
import { bands } from "./thresholds.js";
import { trainAffect } from "./train-affect.js";
import { trainNoise } from "./train-noise.js";
import { crossFitAll, trainSafety } from "./train-safety.js";
import { trainSupport } from "./train-support.js";
import { trainTagger } from "./train-tagger.js";

/** Version of what training makes; raised when data, features or recipes change. */
const version = "2026.11.3";

const { data, out, drop } = readOptions(process.argv.slice(2), weightsFolder());
const report = (line: string) => process.stderr.write(`${line}\n`);

const dataset = readDataset(
  safetySources.filter(({ name }) => !drop.has(name)),
  data,
);
report(`${dataset.items.length} texts of ${dataset.counts.size} sources`);
const scores = crossFitAll(dataset);
report("scored every text by models that saw nothing of its source");
const safety = trainSafety(dataset, scores, report);
const noise = trainNoise(dataset);
const frequency = frequencyOf(dataset);
const support = trainSupport(supportExamples(readArticles(data), frequency));
const synthetic = readSynthetic(data);
const tagger = trainTagger([...syntheticTexts(synthetic), ...commentTexts(data, synthetic)], frequency);
report("trained noise, support and tags");
const required = ["GoEmotions", "EmoBank", "ETHICS", "VADER lexicon"].filter((name) => drop.has(name));
if (required.length > 0)
  throw new Error(`no head of feeling or ethics can be trained without ${required.join(", ")}`);
const lexicon = readVader(data);
const affect = trainAffect(data, lexicon, report);

const bytes: Record<WeightFile, Uint8Array> = {
  "safety.bin": new Uint8Array(safety.weights.buffer),
  "affect.bin": new Uint8Array(affect.weights.buffer),
  "clauses.bin": new Uint8Array(affect.clauseWeights.buffer),
  "lexicon.bin": lexiconBytes(lexicon),
  "seen.bin": noise.seen,
  "frequency.bin": frequency,
  "tags.bin": new Uint8Array(tagger.weights.buffer),
};
const manifest: Manifest = {
  version,
  bands,
  safety: { bits: 16, heads: safety.entries },
  noise: noise.entry,
  tags: tagger.entries,
  support: support.entries,
  affect: { bits: 15, heads: affect.entries },
  clauses: { heads: affect.clauses },
  files: Object.fromEntries(
    Object.entries(bytes).map(([file, content]) => [
      file,
      createHash("sha256").update(content).digest("hex"),
    ]),
  ) as Manifest["files"],
};
mkdirSync(out, { recursive: true });
for (const [file, content] of Object.entries(bytes)) writeFileSync(join(out, file), content);
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
report(`wrote ${out}; measuring`);
const figures = evaluateAll(dataset, { scores, noise: noise.score, support: support.foreign }, data, out);
const card = renderCard({
  version,
  attributions: attributions.filter(({ name }) => !drop.has(name)),
  counts: dataset.counts,
  figures,
});
writeFileSync(join(out, "MODEL_CARD.md"), `${card.trimEnd()}\n`);
