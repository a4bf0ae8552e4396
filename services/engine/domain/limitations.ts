import { create } from "@bufbuild/protobuf";
import { type Limitation, LimitationSchema } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import type { CardFigure, ModelCard } from "./models/model-card.js";

/** Names of lines of the model card; without `on` all that measure the ability. */
interface Measure {
  readonly ability: string;
  readonly on?: string;
}

interface Weakness {
  readonly subject: string;
  /** In words: figures come from the card. */
  readonly description: string;
  readonly measures: readonly Measure[];
}

const all = "all, source left out";
const squad = "SQuAD 2.0, article left out";

const weaknesses: readonly Weakness[] = [
  {
    subject: "languages",
    description: "The rules understand English only; a request in another language is not answered.",
    measures: [],
  },
  {
    subject: "paraphrase",
    description: "A harmful wish or an injection in words that no rule has passes the rules.",
    measures: [
      { ability: "verdict BLOCKED, harmful requests, by rules alone", on: "all" },
      { ability: "verdict BLOCKED, injections, by rules alone", on: "all" },
    ],
  },
  {
    subject: "support",
    description: "Support measures shared words: it does not see that a sentence denies its evidence.",
    measures: [
      { ability: "support by a short answer, AUROC", on: `${squad}, best wrong passages` },
      { ability: "support by a short answer, AUROC", on: `${squad}, trick question` },
      { ability: "support by a question, AUROC", on: `${squad}, trick question` },
    ],
  },
  {
    subject: "confidence",
    description:
      "Confidence was calibrated on encyclopedic questions; it compares words and does not see one word that changes the sense.",
    measures: [
      { ability: "support by a short answer, calibration error", on: squad },
      { ability: "support by a long answer, calibration error", on: squad },
      { ability: "support by a statement, calibration error", on: squad },
      { ability: "support risk among the surest 80 %" },
    ],
  },
  {
    subject: "emotion",
    description:
      "The feeling of a text is judged by its words: irony and quotation mislead it. It is about the request, never the engine.",
    measures: [
      { ability: "28 emotions macro-F1", on: "GoEmotions dev" },
      { ability: "28 emotions mean calibration error", on: "GoEmotions dev" },
      { ability: "valence r", on: "EmoBank dev" },
      { ability: "arousal r", on: "EmoBank dev" },
    ],
  },
  {
    subject: "models",
    description:
      "The trained heads know English only, see little in paraphrased attacks, and warn too readily where groups of people are named.",
    measures: [
      { ability: "verdict BLOCKED, harmful requests", on: all },
      { ability: "verdict BLOCKED, injections", on: all },
      { ability: "verdict BLOCKED, ordinary benign text", on: all },
      { ability: "safe look-alikes blocked" },
      { ability: "moderation, any category, AUPRC" },
    ],
  },
  {
    subject: "personal_data",
    description:
      "Names and street addresses are found by best effort and not masked; telephone numbers without grouping or a word that calls them so are missed.",
    measures: [
      { ability: "structured personal data, micro-F1", on: "Presidio synthetic" },
      { ability: "name recall" },
      { ability: "name precision" },
      { ability: "address recall" },
      { ability: "address precision" },
    ],
  },
  {
    subject: "frameworks",
    description:
      "Care and virtue speak only when one of their rules is hit; the trained heads of ethics are weak signs.",
    measures: [
      { ability: "deontology accuracy" },
      { ability: "justice accuracy" },
      { ability: "utility pairs" },
    ],
  },
];

/** What the engine cannot judge, or not well, in the figures of the card. Throws when the card lacks one that is named. */
export function limitationsFrom({ figures }: Pick<ModelCard, "figures">): Limitation[] {
  return weaknesses.map(({ subject, description, measures }) =>
    create(LimitationSchema, {
      subject,
      description,
      figures: measures.flatMap((measure) => figuresOf(figures, measure)),
    }),
  );
}

function figuresOf(figures: readonly CardFigure[], { ability, on }: Measure): CardFigure[] {
  const found = figures.filter(
    (one) => one.ability === ability && (on === undefined || one.measuredOn === on),
  );
  if (found.length === 0)
    throw new Error(`the model card has no figure for ${ability} on ${on ?? "any data"}`);
  return found.map((one) => ({ ...one }));
}
