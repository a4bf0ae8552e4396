import type { DescField, DescMessage, JsonValue, Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { fieldOf } from "./field-name.js";
import type { Draft } from "./field-path.js";
import type { Route } from "./route.js";

/**
 * For a PATCH whose body is a message field: sets an absent `update_mask` to
 * the fields that the body names, those captured by the path left out, since
 * they say which resource is meant. Undefined for other routes.
 */
export function planMask(route: Route): ((draft: Draft, text: string) => void) | undefined {
  const { body, method } = route;
  const mask = method.input.fields.find((field) => field.name === "update_mask");
  if (route.httpMethod !== "PATCH" || typeof body !== "object" || body.fieldKind !== "message")
    return undefined;
  if (mask?.message?.typeName !== FieldMaskSchema.typeName || mask.fieldKind !== "message") return undefined;
  const captured = new Set(route.variables.map(({ name }) => name));
  return (draft, text) => {
    if (draft.isSet(mask)) return;
    const paths = pathsOf(body, text).filter((path) => !captured.has(`${body.name}.${path}`));
    draft.set(mask, reflect(FieldMaskSchema, create(FieldMaskSchema, { paths }) as Message as never));
  };
}

function pathsOf(body: DescField, text: string): string[] {
  const json = JSON.parse(text) as JsonValue;
  return isObject(json) && body.message ? leafPaths(body.message, json, "") : [];
}

/** Down to scalars, lists, maps, nulls and what has its own JSON: a mask reaches no further. */
function leafPaths(message: DescMessage, json: { [name: string]: JsonValue }, prefix: string): string[] {
  return Object.entries(json).flatMap(([name, value]) => {
    const field = fieldOf(message, name);
    if (!field) return [];
    const path = prefix + field.name;
    const inner = field.fieldKind === "message" ? field.message : undefined;
    const nested = inner && !inner.typeName.startsWith("google.protobuf.") && isObject(value);
    return nested && Object.keys(value).length > 0 ? leafPaths(inner, value, `${path}.`) : [path];
  });
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
