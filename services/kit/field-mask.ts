import {
  clone,
  create,
  type DescField,
  type DescMessage,
  equals,
  getOption,
  type MessageShape,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { field_behavior as behaviorOption, FieldBehavior } from "#gen/ts/google/api/field_behavior_pb.js";
import { errors } from "./errors.js";

/** What an update changes of an object (AIP-134), by its top-level fields. */
export interface FieldMask<D extends DescMessage> {
  /**
   * The current object with the fields that the paths select as in `wanted`; what
   * that lacks is cleared. No path and `*` select every changeable field. Throws
   * FIELD_MASK_INVALID with the first path that names no field.
   */
  apply(current: MessageShape<D>, wanted: MessageShape<D>, paths: readonly string[]): MessageShape<D>;
  /** Proto names of the changeable fields in which two states differ. */
  changed(before: MessageShape<D>, after: MessageShape<D>): string[];
}

/**
 * The mask of a message. Paths of output-only fields are no errors and select
 * nothing (AIP-203); nor do those of fields that are `fixed`, which say which
 * object is meant, in which state.
 */
export function fieldMask<D extends DescMessage>(schema: D, fixed: readonly string[]): FieldMask<D> {
  const isOutput = (field: DescField) => getOption(field, behaviorOption).includes(FieldBehavior.OUTPUT_ONLY);
  const changeable = schema.fields.filter((field) => !fixed.includes(field.name) && !isOutput(field));

  const fieldsAt = (path: string): readonly DescField[] => {
    if (path === "*") return changeable;
    const field = schema.fields.find(({ name }) => name === path);
    if (!field) throw errors.fieldMaskInvalid({ path });
    return changeable.filter((one) => one === field);
  };

  const only = (field: DescField, message: MessageShape<D>) => {
    const part = create(schema);
    copy(schema, [field], message, part);
    return part;
  };

  return {
    apply(current, wanted, paths) {
      const next = clone(schema, current);
      copy(schema, paths.length === 0 ? changeable : paths.flatMap(fieldsAt), wanted, next);
      return next;
    },
    changed: (before, after) =>
      changeable
        .filter((field) => !equals(schema, only(field, before), only(field, after)))
        .map(({ name }) => name),
  };
}

function copy<D extends DescMessage>(
  schema: D,
  fields: readonly DescField[],
  from: MessageShape<D>,
  to: MessageShape<D>,
): void {
  const [source, target] = [reflect(schema, from), reflect(schema, to)];
  for (const field of fields) {
    if (source.isSet(field)) target.set(field, source.get(field));
    else target.clear(field);
  }
}
