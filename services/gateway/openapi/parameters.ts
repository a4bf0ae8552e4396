import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import { textReader } from "../transcode/field-value.js";
import type { BoundVariable, Route } from "../transcode/route.js";
import { type DocumentedPath, type PathParameter, partDescription, partSchema } from "./paths.js";
import { isRequired } from "./rules.js";
import type { Schemas } from "./schemas.js";

/** Deeper fields exist, and nobody reads a list of them. */
const deepest = 4;

/** The parameters of a route: of its path, then of its query. */
export function parametersOf(route: Route, { parameters }: DocumentedPath, schemas: Schemas): JsonObject[] {
  return [
    ...parameters.map((parameter) => pathParameter(route, parameter, schemas)),
    ...queryFields(route).map(({ name, fields }) => queryParameter(name, fields, schemas)),
  ];
}

function pathParameter(route: Route, parameter: PathParameter, schemas: Schemas): JsonObject {
  const bound = route.variables.find(({ name }) => name === parameter.variable);
  const schema = bound && parameter.whole ? fieldSchema(bound, schemas) : partSchema;
  const { description = partDescription(parameter, route.text), ...rest } = schema;
  return { name: parameter.name, in: "path", required: true, description, schema: rest };
}

function fieldSchema({ fields }: BoundVariable, schemas: Schemas): JsonObject {
  const { readOnly: _, ...schema } = schemas.field(fields[fields.length - 1]!, "request");
  // An empty segment would be another path.
  return schema.type === "string" && schema.minLength === undefined && schema.enum === undefined
    ? { ...schema, minLength: 1 }
    : schema;
}

function queryParameter(name: string, fields: readonly DescField[], schemas: Schemas): JsonObject {
  const { description, ...schema } = schemas.field(fields[fields.length - 1]!, "request");
  return {
    name,
    in: "query",
    ...(fields.every(isRequired) && { required: true }),
    ...(description !== undefined && { description }),
    schema,
  };
}

interface QueryField {
  readonly name: string;
  readonly fields: readonly DescField[];
}

/** Every field that the query may set, as the transcoder reads it. */
function queryFields({ body, method, variables }: Route): QueryField[] {
  if (body === "*") return [];
  const captured = new Set(variables.map(({ name }) => name));
  const walk = (message: DescMessage, parents: readonly DescField[]): QueryField[] =>
    message.fields.flatMap((field): QueryField[] => {
      const fields = [...parents, field];
      const name = fields.map((one) => one.name).join(".");
      if (field === body || captured.has(name)) return [];
      if (isReadable(field)) return [{ name, fields }];
      const inner = field.fieldKind === "message" ? field.message : undefined;
      const opaque = inner?.typeName.startsWith("google.protobuf.");
      if (!inner || opaque || fields.length >= deepest || parents.some(({ message }) => message === inner))
        return [];
      return walk(inner, fields);
    });
  return walk(method.input, []);
}

function isReadable(field: DescField): boolean {
  if (field.fieldKind === "list" && field.listKind === "message") return false;
  return textReader(field) !== undefined;
}
