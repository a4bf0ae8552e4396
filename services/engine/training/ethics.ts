import { join } from "node:path";
import { clauseBits, readClauses } from "../domain/models/clauses.js";
import { foldForFeatures } from "../domain/models/fold.js";
import { hashText } from "../domain/models/hash.js";
import { type Lexicon, lexiconFeatures, readLexicon } from "../domain/models/lexicon.js";
import { csvRecords, parseCsv, readText } from "./csv.js";
import { type Split, splitOf } from "./dataset.js";
import { nearDuplicateGroups } from "./near-duplicates.js";
import { RowBuilder, type Rows } from "./rows.js";

/** A text, what is said of it, and the group that must stay together. */
export interface EthicsItem {
  readonly text: string;
  /** 1 when acceptable, -1 when not. */
  readonly label: 1 | -1;
  readonly group: string;
  /** What is judged together for an exact match. */
  readonly set: string;
}

/** Rows with pairs of clauses and lexicon numbers. */
export function rowsOf(texts: readonly string[], lexicon: Lexicon): Rows {
  const builder = new RowBuilder();
  const numbers = new Float64Array(lexiconFeatures.length);
  const values = new Float32Array(texts.length * numbers.length);
  const pairs: number[] = [];
  const starts = new Int32Array(texts.length + 1);
  texts.forEach((text, row) => {
    builder.add(text);
    const folded = foldForFeatures(text);
    readLexicon(folded, lexicon, numbers);
    values.set(numbers, row * numbers.length);
    for (const bucket of readClauses(folded)) pairs.push(bucket);
    starts[row + 1] = pairs.length;
  });
  return {
    ...builder.build(),
    pairs: { bits: clauseBits, buckets: Uint16Array.from(pairs), starts },
    numbers: { width: numbers.length, values },
  };
}

/** Excuses for a scenario; variants of a scenario are a group. */
export function readDeontology(folder: string): EthicsItem[] {
  const rows = csvRecords(readText(join(folder, "ethics/deontology_train.csv.gz")));
  const groups = nearDuplicateGroups(rows.map((row) => row.scenario ?? ""));
  return rows.map((row, at) => ({
    text: `${row.scenario} ${row.excuse}`,
    label: row.label === "1" ? 1 : -1,
    group: String(groups[at]),
    set: row.scenario ?? "",
  }));
}

/** Claims about what is deserved or fair; variants of a claim are a group. */
export function readJustice(folder: string): EthicsItem[] {
  const rows = csvRecords(readText(join(folder, "ethics/justice_train.csv.gz")));
  const claims = rows.map((row) => (row.scenario ?? "").split(/because|but/)[0] ?? "");
  const groups = nearDuplicateGroups(claims);
  return rows.map((row, at) => ({
    text: row.scenario ?? "",
    label: row.label === "1" ? 1 : -1,
    group: String(groups[at]),
    set: claims[at] ?? "",
  }));
}

/** Pairs of which the first is more pleasant; variants of the first are a group. */
export function readUtility(folder: string): { better: string; worse: string; group: string }[] {
  const rows = parseCsv(readText(join(folder, "ethics/util_train.csv.gz"))).filter((row) => row.length >= 2);
  const groups = nearDuplicateGroups(rows.map(([better = "", worse = ""]) => `${better} ${worse}`));
  return rows.map(([better = "", worse = ""], at) => ({ better, worse, group: String(groups[at]) }));
}

/** Split of a group: 15 % test, 10 % calibration. */
export function splitOfGroup(group: string): Split {
  return splitOf("ethics", group);
}

/** The valence lexicon of VADER as sorted hashes. */
export function readVader(folder: string): Lexicon {
  const entries = new Map<number, number>();
  for (const line of readText(join(folder, "emotion/vader_lexicon.txt")).split("\n")) {
    const [word = "", valence = ""] = line.split("\t");
    if (/^[a-z0-9']+$/.test(word))
      entries.set(hashText(word.replaceAll("'", "")), Math.round(Number(valence) * 100));
  }
  const sorted = [...entries].sort(([a], [b]) => a - b);
  return {
    hashes: Uint32Array.from(sorted, ([hash]) => hash),
    hundredths: Int16Array.from(sorted, ([, valence]) => valence),
  };
}
