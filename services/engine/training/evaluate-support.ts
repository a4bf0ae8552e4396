import { supportModes } from "../domain/models/support-mode.js";
import { type Figure, measure } from "./figure.js";
import { auroc, calibrationError } from "./metrics.js";
import type { SupportKind } from "./support-examples.js";
import { type ForeignSupport, weightsOf } from "./train-support.js";

/** What makes a wrong passage hard: much of the question stands in it. */
const hard: readonly SupportKind[] = ["same article", "other article"];
const kinds: readonly SupportKind[] = [...hard, "other answer", "trick question"];
const set = "SQuAD 2.0, article left out";

/** Figures of support by models that saw nothing of the article, with the best wrong passages. */
export function evaluateSupport(foreign: readonly ForeignSupport[]): Figure[] {
  const all = supportModes.flatMap((mode) => {
    const own = foreign.filter(({ example }) => example.mode === mode);
    return [
      ...areaFigure(`support by a ${mode}`, own, hard, "best wrong passages", "0.85"),
      ...kinds.flatMap((kind) => areaFigure(`support by a ${mode}`, own, [kind], kind)),
      measure({ ability: `support by a ${mode}, calibration error`, set, goal: "0.03" }, own, (list) =>
        calibrationError(
          list.map(({ probability }) => probability),
          list.map(({ example }) => example.label),
          weightsOf(list.map(({ example }) => example)),
        ),
      ),
    ];
  });
  return [...all, ...riskFigures(foreign.filter(({ example }) => example.mode === "short answer"))];
}

function areaFigure(
  ability: string,
  own: readonly ForeignSupport[],
  wrong: readonly SupportKind[],
  name: string,
  goal?: string,
): Figure[] {
  const list = own.filter(({ example }) => example.label === 1 || wrong.includes(example.kind));
  if (!list.some(({ example }) => example.label === 0)) return [];
  const area = (some: readonly ForeignSupport[]) =>
    auroc({
      positive: some.filter(({ example }) => example.label === 1).map(({ probability }) => probability),
      negative: some.filter(({ example }) => example.label === 0).map(({ probability }) => probability),
    });
  return [
    measure({ ability: `${ability}, AUROC`, set: `${set}, ${name}`, ...(goal ? { goal } : {}) }, list, area),
  ];
}

/** Points of the risk-coverage curve: the share that is wrong among the surest part, right and wrong passages weighing the same. */
function riskFigures(own: readonly ForeignSupport[]): Figure[] {
  return [0.2, 0.4, 0.6, 0.8].map((coverage) =>
    measure(
      { ability: `support risk among the surest ${100 * coverage} %`, set: `${set}, short answers` },
      own,
      (list) => riskAt(list, coverage),
    ),
  );
}

function riskAt(list: readonly ForeignSupport[], coverage: number): number {
  const weights = weightsOf(list.map(({ example }) => example));
  const ranked = list
    .map(({ example, probability }, at) => ({
      label: example.label,
      probability,
      weight: weights[at] as number,
    }))
    .sort((a, b) => b.probability - a.probability);
  const all = ranked.reduce((sum, { weight }) => sum + weight, 0);
  let taken = 0;
  let wrong = 0;
  for (const { label, weight } of ranked) {
    if (taken >= coverage * all) break;
    taken += weight;
    if (label === 0) wrong += weight;
  }
  return wrong / taken;
}
