import { clone, create, type DescField, equals, getOption } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import {
  type Agent,
  AgentConfigurationSchema,
  AgentSchema,
} from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { field_behavior as behaviorOption, FieldBehavior } from "#gen/ts/google/api/field_behavior_pb.js";
import { errors } from "../../kit/errors.js";

// The etag says which state is meant (AIP-154); a mask derived from a body names it and changes nothing.
const precondition = "etag";

const changeable: readonly DescField[] = AgentSchema.fields.filter(
  (field) =>
    field.name !== precondition && !getOption(field, behaviorOption).includes(FieldBehavior.OUTPUT_ONLY),
);
const configurationField = AgentSchema.field.configuration;

/**
 * Fields that a mask selects, by AIP-134: an empty mask and `*` select every
 * changeable field; paths are proto names, of a field or of one inside
 * `configuration`. Those of output-only fields select nothing (AIP-203). Throws
 * FIELD_MASK_INVALID with the first other path.
 */
export function selectFields(paths: readonly string[]): ReadonlySet<DescField> {
  const selected = paths.map(fieldsAt);
  return new Set(paths.length === 0 ? changeable : selected.flat());
}

function fieldsAt(path: string): readonly DescField[] {
  if (path === "*") return changeable;
  const field =
    AgentSchema.fields.find(({ name }) => name === path) ??
    AgentConfigurationSchema.fields.find(({ name }) => `${configurationField.name}.${name}` === path);
  if (!field) throw errors.fieldMaskInvalid({ path });
  return field.parent === AgentSchema && !changeable.includes(field) ? [] : [field];
}

/** A copy of `current` with the selected fields as in `wanted`; what `wanted` lacks is cleared. */
export function withFields(current: Agent, wanted: Agent, selected: ReadonlySet<DescField>): Agent {
  const [next, source] = [withConfiguration(current), withConfiguration(wanted)];
  copyFields(reflect(AgentSchema, source), reflect(AgentSchema, next), selected);
  copyFields(
    reflect(AgentConfigurationSchema, source.configuration),
    reflect(AgentConfigurationSchema, next.configuration),
    selected,
  );
  return next;
}

/** Proto names of the changeable fields in which two states of an agent differ. */
export function changedFields(before: Agent, after: Agent): string[] {
  const differs = (field: DescField) => !equals(AgentSchema, only(field, before), only(field, after));
  return changeable.filter(differs).map(({ name }) => name);
}

function withConfiguration(agent: Agent) {
  const copy = clone(AgentSchema, agent);
  return Object.assign(copy, { configuration: copy.configuration ?? create(AgentConfigurationSchema) });
}

function copyFields(from: ReflectMessage, to: ReflectMessage, selected: ReadonlySet<DescField>): void {
  for (const field of from.fields) {
    if (!selected.has(field)) continue;
    if (from.isSet(field)) to.set(field, from.get(field));
    else to.clear(field);
  }
}

function only(field: DescField, agent: Agent): Agent {
  const part = create(AgentSchema);
  reflect(AgentSchema, part).set(field, reflect(AgentSchema, agent).get(field));
  return part;
}
