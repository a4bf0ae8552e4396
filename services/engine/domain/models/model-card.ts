import { readFileSync } from "node:fs";
import { join } from "node:path";
import { weightsFolder } from "./load.js";

/** A line of the model card. */
export interface CardFigure {
  readonly ability: string;
  /** On which data, with the split. */
  readonly measuredOn: string;
  readonly items: number;
  readonly value: number;
  /** Ends of the 95 % bootstrap interval. */
  readonly low: number;
  readonly high: number;
  /** What was aimed at, or the baseline, in words; empty without one. */
  readonly goal: string;
}

/** What the card that is shipped with the weights says. */
export interface ModelCard {
  /** Version of the models that were measured. */
  readonly version: string;
  /** In the order of the card. */
  readonly figures: readonly CardFigure[];
}

/** Reads the card beside the weights; throws when it is no card, or another version's. */
export function loadModelCard(version: string, folder: string = weightsFolder()): ModelCard {
  const card = parseModelCard(readFileSync(join(folder, "MODEL_CARD.md"), "utf8"));
  if (card.version !== version) {
    throw new Error(`the model card is of version ${card.version}, the weights are of ${version}`);
  }
  return card;
}

const title = "# Model card, version ";
const header = "| ability | measured on | items | value | 95 % interval | goal |";

/** Parses a card as training writes it. Throws on a line of a table of figures that is none. */
export function parseModelCard(text: string): ModelCard {
  const lines = text.split("\n");
  const first = lines[0] ?? "";
  if (!first.startsWith(title)) throw new Error("the model card has no version");
  const figures: CardFigure[] = [];
  lines.forEach((line, at) => {
    if (line !== header) return;
    for (let row = at + 2; lines[row]?.startsWith("|"); row++) figures.push(figureOf(lines[row] as string));
  });
  if (figures.length === 0) throw new Error("the model card has no figures");
  return { version: first.slice(title.length).trim(), figures };
}

function figureOf(line: string): CardFigure {
  const cells = line.split("|").map((cell) => cell.trim());
  const [, ability = "", measuredOn = "", items = "", value = "", interval = "", goal = ""] = cells;
  const [low = "", high = ""] = interval.split("–");
  const figure = { items: Number(items), value: Number(value), low: Number(low), high: Number(high) };
  const numbers = [items, value, low, high].every((cell) => cell !== "" && Number.isFinite(Number(cell)));
  if (cells.length !== 8 || ability === "" || !numbers) {
    throw new Error(`this line of the model card is no figure: ${line}`);
  }
  return { ability, measuredOn, ...figure, goal };
}
