import { clone, type DescField, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DataClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { dataClassOf } from "./data-class.js";

const secretive = new WeakMap<DescMessage, boolean>();

/** A message whose RESTRICTED fields are empty, at every depth: the given one where its type has none. */
export function withoutSecrets<D extends DescMessage>(schema: D, message: MessageShape<D>): MessageShape<D> {
  if (!mayHaveSecrets(schema)) return message;
  const copy = clone(schema, message);
  clearSecrets(reflect(schema, copy));
  return copy;
}

/** Whether messages of a type have RESTRICTED fields at any depth. */
export function mayHaveSecrets(schema: DescMessage): boolean {
  const known = secretive.get(schema);
  if (known !== undefined) return known;
  const found = reachable(schema).some(({ fields }) => fields.some(isSecret));
  secretive.set(schema, found);
  return found;
}

function isSecret(field: DescField): boolean {
  return dataClassOf(field) === DataClass.RESTRICTED;
}

/** A type and all that its messages may hold; types may hold themselves. */
function reachable(schema: DescMessage): DescMessage[] {
  const found = new Set([schema]);
  // What is added while the loop runs is visited too.
  for (const { fields } of found) {
    for (const { message } of fields) if (message) found.add(message);
  }
  return [...found];
}

function clearSecrets(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (isSecret(field)) message.clear(field);
    else for (const inner of messagesIn(message, field)) clearSecrets(inner);
  }
}

function messagesIn(message: ReflectMessage, field: DescField): Iterable<ReflectMessage> {
  switch (field.fieldKind) {
    case "message":
      return [message.get(field)];
    case "list":
      return field.listKind === "message" ? (message.get(field) as Iterable<ReflectMessage>) : [];
    case "map":
      return field.mapKind === "message" ? (message.get(field).values() as Iterable<ReflectMessage>) : [];
    default:
      return [];
  }
}
