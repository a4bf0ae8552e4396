import type { DescField, DescMessage } from "@bufbuild/protobuf";

const byName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The field that goes by a proto name or a JSON name. */
export function fieldOf(message: DescMessage, name: string): DescField | undefined {
  let names = byName.get(message);
  if (!names) {
    names = new Map([
      ...message.fields.map((field) => [field.jsonName, field] as const),
      ...message.fields.map((field) => [field.name, field] as const),
    ]);
    byName.set(message, names);
  }
  return names.get(name);
}

/** ` Did you mean "x"?` with the field whose name is nearest, or nothing when none is near. */
export function nameHint(message: DescMessage, name: string, prefix = ""): string {
  const wanted = normalized(name);
  let best: { name: string; distance: number } | undefined;
  for (const field of message.fields) {
    const distance = editDistance(wanted, normalized(field.name));
    if (!best || distance < best.distance) best = { name: field.name, distance };
  }
  const near = best && best.distance <= Math.max(1, Math.floor(wanted.length / 3));
  return near ? ` Did you mean "${prefix}${best?.name}"?` : "";
}

// Nobody misspells more than this much of a name, and the comparison takes quadratic time.
const comparedLength = 64;

function normalized(name: string): string {
  return name.slice(0, comparedLength).toLowerCase().replaceAll("_", "");
}

/** Optimal string alignment distance: insertions, deletions, replacements, neighbours swapped. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : Infinity;
      row.push(Math.min(replaced, swapped, at(last, j) + 1, at(row, j - 1) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
