import type { JsonObject } from "@bufbuild/protobuf";
import type { Route } from "../transcode/route.js";
import type { Segment } from "../transcode/template.js";

/** A wildcard of a template, as a parameter of the path. */
export interface PathParameter {
  readonly name: string;
  /** The field's path with dots; undefined for a wildcard that no variable captures. */
  readonly variable: string | undefined;
  /** The wildcard is all that the variable captures, so that its schema is the field's. */
  readonly whole: boolean;
  /** May hold slashes. */
  readonly rest: boolean;
}

/** A route's path as OpenAPI writes it. */
export interface DocumentedPath {
  readonly path: string;
  readonly parameters: readonly PathParameter[];
}

/** The path of a route with each wildcard as a parameter; literals of a variable's pattern stay literals. */
function pathOf({ template }: Route): DocumentedPath {
  const parameters: PathParameter[] = [];
  const part = (segment: Segment, index: number): string => {
    if (segment.kind === "literal") return encodeURIComponent(segment.text);
    const variable = template.variables.find(({ start, end }) => start <= index && index < end);
    const within = variable ? template.segments.slice(variable.start, variable.end) : [];
    const base = variable?.path.join(".") ?? "segment";
    const siblings = parameters.filter(({ name }) => name === base || name.startsWith(`${base}-`)).length;
    const name = siblings === 0 ? base : `${base}-${siblings + 1}`;
    parameters.push({
      name,
      variable: variable?.path.join("."),
      whole: within.length === 1,
      rest: segment.kind === "**",
    });
    return `{${name}}`;
  };
  const verb = template.verb && `:${encodeURIComponent(template.verb)}`;
  return { path: `/${template.segments.map(part).join("/")}${verb}`, parameters };
}

/**
 * The path of each route. Paths that differ in their parameters' names alone are one path in OpenAPI,
 * so those routes share the shortest spelling.
 */
export function namePaths(routes: readonly Route[]): ReadonlyMap<Route, DocumentedPath> {
  const own = new Map(routes.map((route) => [route, pathOf(route)]));
  const shortest = new Map<string, DocumentedPath>();
  for (const documented of own.values()) {
    const shape = shapeOf(documented);
    const known = shortest.get(shape);
    if (!known || documented.path.length < known.path.length) shortest.set(shape, documented);
  }
  return new Map(
    [...own].map(([route, documented]) => {
      const { path, parameters: named } = shortest.get(shapeOf(documented))!;
      const parameters = documented.parameters.map((parameter, index) => ({
        ...parameter,
        name: named[index]!.name,
      }));
      return [route, { path, parameters }];
    }),
  );
}

function shapeOf({ path }: DocumentedPath): string {
  return path.replace(/\{[^}]*\}/g, "{}");
}

/** What a parameter is that is only a part of its variable, or of none. */
export function partDescription({ variable, rest }: PathParameter, text: string): string {
  const what = rest ? "Segments, with slashes between them," : "One segment";
  return variable === undefined ? `${what} of any text.` : `${what} of \`${variable}\` in \`${text}\`.`;
}

/** The schema of such a part. */
export const partSchema: JsonObject = { type: "string", minLength: 1 };
