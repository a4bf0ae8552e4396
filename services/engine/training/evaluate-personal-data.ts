import type { PersonalDataType } from "../domain/judges/personal-data/finding.js";
import { findPersonalData, findTold } from "../domain/judges/personal-data/personal-data.js";
import type { ModelWeights } from "../domain/models/load.js";
import { createTagger } from "../domain/models/tagger.js";
import { type Figure, measure } from "./figure.js";
import { commentTexts, readSynthetic, type SyntheticRow, splitOfTemplate } from "./tagging.js";

/** Types of the set beside ours, for what has a structure. */
const structured: Readonly<Record<string, PersonalDataType>> = {
  EMAIL_ADDRESS: "email",
  PHONE_NUMBER: "phone",
  CREDIT_CARD: "card",
  IBAN_CODE: "iban",
  US_SSN: "ssn",
  IP_ADDRESS: "ip",
  DOMAIN_NAME: "url",
  ZIP_CODE: "postal_code",
};
const bestEffort: Readonly<Record<string, PersonalDataType>> = { PERSON: "name", STREET_ADDRESS: "address" };
/** Share of a stretch that both must have in common (intersection by union); of an address, which the set cuts into parts, by the shorter. */
const overlapping = 0.5;

interface Place {
  readonly type: PersonalDataType;
  readonly start: number;
  readonly end: number;
}

interface Row {
  readonly wanted: readonly Place[];
  readonly found: readonly Place[];
}

/** Figures of personal data: structured types on all texts, since nothing was learned; names and addresses on templates left out. */
export function evaluatePersonalData(folder: string, weights: ModelWeights): Figure[] {
  const synthetic = readSynthetic(folder);
  const tagger = createTagger(weights);
  const read = (text: string) => [...findPersonalData(text), ...findTold(text, tagger)];
  const rowsOf = (rows: readonly SyntheticRow[], types: Readonly<Record<string, PersonalDataType>>): Row[] =>
    rows.map(({ full_text, spans }) => ({
      wanted: spans.flatMap(({ entity_type, start_position: start, end_position: end }) =>
        types[entity_type] ? [{ type: types[entity_type], start, end }] : [],
      ),
      found: read(full_text)
        .filter(({ type }) => Object.values(types).includes(type))
        .map(({ type, span }) => ({ type, ...span })),
    }));
  const all = rowsOf(synthetic, structured);
  const left = rowsOf(
    synthetic.filter(({ template_id }) => splitOfTemplate(template_id) === "test"),
    bestEffort,
  );
  const comments = commentTexts(folder, synthetic)
    .filter(({ split }) => split === "test")
    .map(
      ({ text, spans }): Row => ({
        wanted: spans.map(({ tag, start, end }) => ({ type: tag, start, end })),
        found: findTold(text, tagger)
          .filter(({ type }) => type === "name")
          .map(({ type, span }) => ({ type, ...span })),
      }),
    );
  const set = "Presidio synthetic";
  return [
    measure({ ability: "structured personal data, micro-F1", set, goal: "0.97" }, all, f1),
    ...Object.values(structured).flatMap((type) => both(type, set, all)),
    ...both("name", `${set}, templates left out`, left, "0.75"),
    ...both("address", `${set}, templates left out`, left),
    ...both("name", "GoEmotions with names put in, names left out", comments),
  ];
}

function both(type: PersonalDataType, set: string, rows: readonly Row[], goal?: string): Figure[] {
  const own = rows.map(({ wanted, found }) => ({
    wanted: wanted.filter((place) => place.type === type),
    found: found.filter((place) => place.type === type),
  }));
  return [
    measure({ ability: `${type} recall`, set, ...(goal ? { goal } : {}) }, own, recall),
    measure({ ability: `${type} precision`, set }, own, precision),
  ];
}

const count = (rows: readonly Row[], of: (row: Row) => number) => rows.reduce((sum, row) => sum + of(row), 0);
const hits = ({ wanted, found }: Row) =>
  wanted.filter((one) => found.some((other) => isSame(one, other))).length;
const rightly = ({ wanted, found }: Row) =>
  found.filter((one) => wanted.some((other) => isSame(one, other))).length;

function recall(rows: readonly Row[]): number {
  return count(rows, hits) / count(rows, ({ wanted }) => wanted.length);
}

function precision(rows: readonly Row[]): number {
  return count(rows, rightly) / count(rows, ({ found }) => found.length);
}

function f1(rows: readonly Row[]): number {
  const [share, truth] = [recall(rows), precision(rows)];
  return (2 * share * truth) / (share + truth);
}

function isSame(one: Place, other: Place): boolean {
  const common = Math.min(one.end, other.end) - Math.max(one.start, other.start);
  const union =
    one.type === "address"
      ? Math.min(one.end - one.start, other.end - other.start)
      : Math.max(one.end, other.end) - Math.min(one.start, other.start);
  return one.type === other.type && common / union >= overlapping;
}
