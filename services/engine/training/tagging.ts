import { join } from "node:path";
import { hashText } from "../domain/models/hash.js";
import type { Tag } from "../domain/models/tagger.js";
import { readText } from "./csv.js";
import { createRandom } from "./random.js";

/** A text with stretches of names and addresses. */
export interface TaggedText {
  readonly text: string;
  readonly spans: readonly { readonly tag: Tag; readonly start: number; readonly end: number }[];
  readonly split: "train" | "calibrate" | "test";
}

interface SyntheticSpan {
  readonly entity_type: string;
  readonly entity_value: string;
  readonly start_position: number;
  readonly end_position: number;
}

/** A row of Presidio's synthetic set. */
export interface SyntheticRow {
  readonly full_text: string;
  readonly spans: readonly SyntheticSpan[];
  readonly template_id: number;
}

/** Presidio's synthetic texts. */
export function readSynthetic(folder: string): SyntheticRow[] {
  return JSON.parse(readText(join(folder, "pii/presidio_synth_dataset_v2.json"))) as SyntheticRow[];
}

/** Split of a template: texts of one stay together. A quarter is for testing, a tenth for calibration. */
export function splitOfTemplate(template: number): TaggedText["split"] {
  const place = hashText(`template ${template}`) % 100;
  return place < 25 ? "test" : place < 35 ? "calibrate" : "train";
}

const tagOf: Readonly<Record<string, Tag>> = { PERSON: "name", STREET_ADDRESS: "address" };

/** Synthetic texts with their tags. */
export function syntheticTexts(rows: readonly SyntheticRow[]): TaggedText[] {
  return rows.map(({ full_text: text, spans, template_id }) => ({
    text,
    spans: spans.flatMap((span) => {
      const tag = tagOf[span.entity_type];
      return tag ? [{ tag, start: span.start_position, end: span.end_position }] : [];
    }),
    split: splitOfTemplate(template_id),
  }));
}

const placeholder = "[NAME]";

/**
 * Comments of GoEmotions, in which names were replaced by a placeholder, with
 * names of the synthetic texts that training sees put in. Every fifth name is
 * kept for the test split, so that its names are new.
 */
export function commentTexts(folder: string, rows: readonly SyntheticRow[]): TaggedText[] {
  const names = [
    ...new Set(
      rows
        .filter(({ template_id }) => splitOfTemplate(template_id) === "train")
        .flatMap(({ spans }) => spans.filter(({ entity_type }) => entity_type === "PERSON"))
        .map(({ entity_value }) => entity_value),
    ),
  ];
  const random = createRandom(17);
  const lines = readText(join(folder, "emotion/goemotions_train.tsv.gz")).split("\n");
  return lines.flatMap((line, at) => {
    const text = line.split("\t")[0] ?? "";
    const named = text.includes(placeholder);
    if (text === "" || (!named && at % 12 !== 0)) return [];
    const split = at % 10 === 0 ? "test" : at % 10 === 1 ? "calibrate" : "train";
    const fits = names.filter((name) => (hashText(name) % 5 === 0) === (split === "test"));
    return [{ ...fill(text, () => nameFrom(fits, random)), split }];
  });
}

function nameFrom(names: readonly string[], random: (below: number) => number): string {
  const name = names[random(names.length)] as string;
  const kind = random(10);
  const part =
    kind < 5 ? (name.split(" ")[0] as string) : kind < 6 ? (name.split(" ").at(-1) as string) : name;
  return random(12) === 0 ? part.toLowerCase() : part;
}

function fill(text: string, next: () => string): { text: string; spans: TaggedText["spans"] } {
  const spans: { tag: Tag; start: number; end: number }[] = [];
  let out = "";
  text.split(placeholder).forEach((part, at) => {
    if (at > 0) {
      const name = next();
      spans.push({ tag: "name", start: out.length, end: out.length + name.length });
      out += name;
    }
    out += part;
  });
  return { text: out.replaceAll("[RELIGION]", "religion "), spans: out.includes("[RELIGION]") ? [] : spans };
}
