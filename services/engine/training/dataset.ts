import { hashText } from "../domain/models/hash.js";
import type { SafetyHead } from "../domain/models/heads.js";
import type { Example, Source } from "./example.js";
import { RowBuilder, type Rows } from "./rows.js";

/** What a text is used for. */
export type Split = "train" | "calibrate" | "test";

/** Longest text that is learned from, in UTF-16 units. */
const longestExample = 3000;

/** An example with its place in the rows. */
export interface Item extends Omit<Example, "labels"> {
  readonly labels: Partial<Record<SafetyHead, 1 | -1>>;
  readonly source: string;
  readonly family: string;
  readonly split: Split;
  readonly row: number;
  /** Rows of its windows; empty when it has one. */
  readonly windows: readonly number[];
}

/** Texts of all sources, different from each other, as rows. */
export interface Dataset {
  readonly items: readonly Item[];
  readonly rows: Rows;
  /** Examples by source, after duplicates went. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Split of a group: 15 % test, 10 % calibration, by a hash of source and group. */
export function splitOf(source: string, group: string): Split {
  const place = hashText(`${source}/${group}`) % 100;
  return place < 15 ? "test" : place < 25 ? "calibrate" : "train";
}

/** Reads sources in order; of texts with equal letters and digits the first stays and takes over labels it lacks. */
export function readDataset(sources: readonly Source[], folder: string): Dataset {
  const builder = new RowBuilder();
  const seen = new Map<string, Item>();
  const items: Item[] = [];
  const counts = new Map<string, number>();
  for (const source of sources) {
    for (const example of source.read(folder)) {
      const text = example.text.slice(0, longestExample);
      const key = text.toLowerCase().replace(/[^a-z0-9]+/g, "");
      const twin = seen.get(key);
      if (twin) Object.assign(twin.labels, { ...example.labels, ...twin.labels });
      if (twin || text.trim() === "") continue;
      const { document, windows } = builder.add(text, true);
      // Our own texts are few: all teach, and only models that saw nothing of their group measure them.
      const split = source.family.startsWith("o") ? "train" : splitOf(source.name, example.group);
      const item: Item = {
        ...example,
        text,
        labels: { ...example.labels },
        source: source.name,
        family: source.family,
        split,
        row: document,
        windows,
      };
      seen.set(key, item);
      items.push(item);
      counts.set(source.name, (counts.get(source.name) ?? 0) + 1);
    }
  }
  return { items, rows: builder.build(), counts };
}
