import { affectScales, type EthicsHead, emotionLabels } from "../domain/models/heads.js";
import type { Manifest } from "../domain/models/manifest.js";
import type { TextModel } from "../domain/models/text-model.js";
import { type EthicsItem, readDeontology, readJustice, readUtility, splitOfGroup } from "./ethics.js";
import { readFeelings, readRatings } from "./feelings.js";
import { type Figure, measure } from "./figure.js";
import { groupBy } from "./group-by.js";
import { auroc, calibrationError, correlation, f1, mean } from "./metrics.js";

/** Figures of emotions, valence, arousal and ethics by the shipped weights. */
export function evaluateAffect(folder: string, model: TextModel, manifest: Manifest): Figure[] {
  return [
    ...emotionFigures(folder, model, manifest),
    ...scaleFigures(folder, model),
    ...judgedFigures("deontology", readDeontology(folder), model, "0.77 / 0.28"),
    ...judgedFigures("justice", readJustice(folder), model, "0.69 / 0.17"),
    utilityFigure(folder, model),
  ];
}

function emotionFigures(folder: string, model: TextModel, manifest: Manifest): Figure[] {
  const read = readFeelings(folder)
    .filter(({ split }) => split === "test")
    .map(({ text, labels }) => ({ labels, said: model.read(text).emotion.labels }));
  const thresholds = emotionLabels.map(
    (name) => manifest.affect.heads.find((head) => head.name === name)?.threshold ?? 0.5,
  );
  const set = "GoEmotions dev";
  const macro = (list: readonly (typeof read)[number][]) =>
    mean(
      emotionLabels.map((name, at) =>
        f1(
          list.map(({ said }) => said[name] >= (thresholds[at] as number)),
          list.map(({ labels }) => labels.includes(at)),
        ),
      ),
    );
  const areas = (list: readonly (typeof read)[number][]) =>
    mean(
      emotionLabels.map((name, at) => {
        const of = (yes: boolean) =>
          list.filter(({ labels }) => labels.includes(at) === yes).map(({ said }) => said[name]);
        return auroc({ positive: of(true), negative: of(false) });
      }),
    );
  const errors = (list: readonly (typeof read)[number][]) =>
    mean(
      emotionLabels.map((name, at) =>
        calibrationError(
          list.map(({ said }) => said[name]),
          list.map(({ labels }) => Number(labels.includes(at))),
        ),
      ),
    );
  return [
    measure(
      { ability: "28 emotions macro-F1", set, goal: "0.50 (BERT published 0.46 on test)" },
      read,
      macro,
    ),
    measure({ ability: "28 emotions mean AUROC", set }, read.slice(0, 2000), areas),
    measure({ ability: "28 emotions mean calibration error", set }, read, errors),
  ];
}

function scaleFigures(folder: string, model: TextModel): Figure[] {
  const read = readRatings(folder)
    .filter(({ split }) => split === "test")
    .map((rating) => ({ rating, said: model.read(rating.text).emotion }));
  return affectScales.map((name) =>
    measure(
      { ability: `${name} r`, set: "EmoBank dev", goal: name === "valence" ? "0.77 (on SemEval)" : "0.50" },
      read,
      (list) =>
        correlation(
          list.map(({ said }) => said[name]),
          list.map(({ rating }) => rating[name]),
        ),
    ),
  );
}

function judgedFigures(
  head: EthicsHead,
  items: readonly EthicsItem[],
  model: TextModel,
  goal: string,
): Figure[] {
  const read = items
    .filter(({ group }) => splitOfGroup(group) === "test")
    .map((item) => ({ item, probability: model.read(item.text).ethics[head] }))
    .map(({ item, probability }) => ({ item, probability, right: probability > 0.5 === (item.label === 1) }));
  const sets = [...groupBy(read, ({ item }) => item.set).values()];
  const set = `ETHICS ${head} train, variants held out`;
  return [
    measure({ ability: `${head} accuracy`, set, goal }, read, (list) =>
      mean(list.map(({ right }) => Number(right))),
    ),
    measure({ ability: `${head} exact match`, set, goal }, sets, (list) =>
      mean(list.map((some) => Number(some.every(({ right }) => right)))),
    ),
    measure({ ability: `${head} calibration error`, set }, read, (list) =>
      calibrationError(
        list.map(({ probability }) => probability),
        list.map(({ item }) => Number(item.label === 1)),
      ),
    ),
  ];
}

function utilityFigure(folder: string, model: TextModel): Figure {
  const read = readUtility(folder)
    .filter(({ group }) => splitOfGroup(group) === "test")
    .map(({ better, worse }) => model.read(better).ethics.utility > model.read(worse).ethics.utility);
  return measure(
    { ability: "utility pairs", set: "ETHICS utilitarianism train, variants held out", goal: "0.73" },
    read,
    (list) => mean(list.map(Number)),
  );
}
