import pg from "pg";

type Parse = (text: string) => unknown;

const oid = {
  bytea: 17,
  int8: 20,
  textArray: 1009,
  int8Array: 1016,
  date: 1082,
  dateArray: 1182,
  interval: 1186,
  numericArray: 1231,
};

// The declarations know scalar types alone.
const builtIn = pg.types.getTypeParser as (id: number, format: "text") => Parse;
const textArray = builtIn(oid.textArray, "text") as (text: string) => (string | null)[];
const bytea = builtIn(oid.bytea, "text") as (text: string) => Buffer;
const asIs: Parse = (text) => text;

const parsers: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  [oid.int8, BigInt],
  [oid.bytea, (text) => Uint8Array.from(bytea(text))],
  [oid.date, asIs],
  [oid.interval, asIs],
  [oid.int8Array, (text) => textArray(text).map((one) => (one === null ? null : BigInt(one)))],
  [oid.numericArray, textArray],
  [oid.dateArray, textArray],
]);

/** How values are read: as the port says, and so as the embedded database does. */
export const valueTypes = {
  getTypeParser: (id: number) => parsers.get(id) ?? builtIn(id, "text"),
} as NonNullable<pg.ClientConfig["types"]>;
