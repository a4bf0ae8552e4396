import type { DescField } from "@bufbuild/protobuf";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";

/** A message under construction. */
export type Draft = ReflectMessage;

/** Sets the field that a path leads to, making the messages on the way. */
export function setPath(draft: Draft, fields: readonly DescField[], value: unknown): void {
  const [field, ...rest] = fields;
  if (!field) return;
  if (rest.length === 0) {
    draft.set(field, value);
    return;
  }
  const inner = innerMessage(draft, field);
  setPath(inner, rest, value);
  draft.set(field, inner);
}

/** Adds to the list that a path leads to, making the messages on the way. */
export function addToPath(draft: Draft, fields: readonly DescField[], value: unknown): void {
  const [field, ...rest] = fields;
  if (!field) return;
  if (rest.length === 0) {
    if (field.fieldKind === "list") draft.get(field).add(value);
    return;
  }
  const inner = innerMessage(draft, field);
  addToPath(inner, rest, value);
  draft.set(field, inner);
}

/** The member already set of a oneof that the path would switch to another, if any. */
export function rivalOf(draft: Draft, fields: readonly DescField[]): DescField | undefined {
  let at: Draft | undefined = draft;
  for (const field of fields) {
    if (!at) return undefined;
    const set: DescField | undefined = field.oneof && at.oneofCase(field.oneof);
    if (set && set !== field) return set;
    at = field.fieldKind === "message" && at.isSet(field) ? (at.get(field) as Draft) : undefined;
  }
  return undefined;
}

function innerMessage(draft: Draft, field: DescField): Draft {
  return draft.get(field) as Draft;
}
