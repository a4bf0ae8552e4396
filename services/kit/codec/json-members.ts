import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { isRequired, type MessagePlan } from "./plan.js";
import type { EnumTable } from "./runtime/json-scalars.js";
import { createKeyTable } from "./runtime/key-table.js";
import { seenBit } from "./scalars.js";
import type { Source } from "./source.js";

/** How members that the message lacks are met. */
export type UnknownMembers = "refuse" | "ignore";

/**
 * Code that reads the members of an object from cursor `c`, each field at most
 * once; `read` gives the statements for the value of a field.
 */
export function membersLoop(
  { desc, fields }: MessagePlan,
  source: Source,
  unknown: UnknownMembers,
  read: (field: DescField) => string,
): string {
  const cases = fields.map((field, index) => {
    const { variable, bit } = seenBit(index);
    return `case ${index}: if (${variable} & ${bit}) decline(); ${variable} |= ${bit}; ${read(field)} break;`;
  });
  const last = unknown === "ignore" ? "u = skipUnknown(c, u);" : "decline();";
  const seen = Array.from({ length: Math.ceil(fields.length / 32) }, (_, index) => `s${index} = 0`);
  return `let ${[...seen, "u"].join(", ")};
if (c.object()) do {
switch (c.key(${source.bind(fieldTable(desc, fields))})) {
${cases.join("\n")}
default: ${last}
}
} while (c.member());`;
}

/** Code that declines when a required field was not met. */
export function requireMet(fields: readonly DescField[]): string {
  return fields
    .map((field, index) => ({ field, ...seenBit(index) }))
    .filter(({ field }) => isRequired(field))
    .map(({ variable, bit }) => `if (!(${variable} & ${bit})) decline();`)
    .join(" ");
}

/** Whether null is a value of the field, and not its absence. */
export function holdsNull(field: DescField): boolean {
  return (
    field.message?.typeName === "google.protobuf.Value" ||
    field.enum?.typeName === "google.protobuf.NullValue"
  );
}

const enumTables = new WeakMap<DescEnum, EnumTable>();

/** The names and numbers of an enum. */
export function enumTable(desc: DescEnum): EnumTable {
  const found = enumTables.get(desc);
  if (found) return found;
  const table: EnumTable = {
    names: createKeyTable(new Map(desc.values.map(({ name }, index) => [name, index]))),
    numbers: desc.values.map(({ number }) => number),
    known: desc.open ? undefined : new Set(desc.values.map(({ number }) => number)),
  };
  enumTables.set(desc, table);
  return table;
}

const fieldTables = new WeakMap<DescMessage, ReturnType<typeof createKeyTable>>();

function fieldTable(desc: DescMessage, fields: readonly DescField[]) {
  const found = fieldTables.get(desc);
  if (found) return found;
  const names = fields.flatMap(({ name, jsonName }, index) => [
    [name, index] as const,
    [jsonName, index] as const,
  ]);
  const table = createKeyTable(new Map(names));
  fieldTables.set(desc, table);
  return table;
}
