import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { defaults } from "../config.js";
import { createRuleJudge } from "../domain/judges/rule-judge.js";
import { ruleCatalogue } from "../domain/judges/rules/catalogue.js";
import { modelRules } from "../domain/judges/rules/model.js";
import { blocks } from "../domain/judges/severity.js";
import { type Calibration, probabilityOf } from "../domain/models/calibration.js";
import { type SafetyHead, safetyHeads } from "../domain/models/heads.js";
import { bandOf, type Manifest, type Thresholds } from "../domain/models/manifest.js";
import { type Level, levelOf } from "../domain/models/safety-reader.js";
import { foldOf } from "./cross-fit.js";
import type { Item } from "./dataset.js";
import type { NoiseScorer } from "./train-noise.js";
import type { ForeignScoresByHead } from "./train-safety.js";
import type { ForeignSupport } from "./train-support.js";

/** What a head says of a text. */
export interface Said {
  readonly probability: number;
  readonly level: Level;
}

/** A text as judged by rules and by heads that saw nothing of its source, at the shipped thresholds. */
export interface LeftOutReading {
  readonly item: Item;
  readonly heads: Readonly<Record<SafetyHead, Said>>;
  readonly noise: Said;
  /** Whether a rule, or a head that judges requests, blocks it as a request. */
  readonly blocked: { readonly rules: boolean; readonly heads: boolean };
}

/** Scores of models that saw nothing of the source. */
export interface Foreign {
  readonly scores: ForeignScoresByHead;
  readonly noise: NoiseScorer;
  readonly support: readonly ForeignSupport[];
}

/** Judges every text that is not of the test split, as a request. */
export function readLeftOut(
  items: readonly Item[],
  { scores, noise }: Pick<Foreign, "scores" | "noise">,
  manifest: Manifest,
): LeftOutReading[] {
  const rules = createRuleJudge(ruleCatalogue);
  const known = items.filter(({ split }) => split !== "test");
  return known.map((item) => {
    const band = bandOf(manifest.bands, item.text.length);
    const said = (entry: Calibration & Thresholds, score: number) => {
      const probability = probabilityOf(score, entry);
      return { probability, level: levelOf(probability, entry, band) };
    };
    const heads = Object.fromEntries(
      manifest.safety.heads.map((entry) => [
        entry.name,
        said(entry, scores.get(entry.name)?.get(item) ?? -9),
      ]),
    ) as Record<SafetyHead, Said>;
    const noisy = said(manifest.noise, noise(item.text, foldOf(item)));
    const judged = rules.judge(item.text, Scope.INPUT);
    const violations = judged instanceof Promise ? [] : judged.violations;
    return {
      item,
      heads,
      noise: noisy,
      blocked: {
        rules: violations.some((one) => blocks(one, defaults.ethicalStrictness)),
        heads:
          noisy.level === "block" ||
          safetyHeads.some((head) => heads[head].level === "block" && judgesRequests(head)),
      },
    };
  });
}

function judgesRequests(head: SafetyHead): boolean {
  return modelRules[head].scopes.includes(Scope.INPUT);
}
