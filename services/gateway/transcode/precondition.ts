import { type DescField, type Message, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { errors } from "../../kit/errors.js";
import { parseTagCondition } from "./entity-tag.js";
import type { RestRequest } from "./exchange.js";
import { setPath } from "./field-path.js";
import type { Route } from "./route.js";

/** Takes a request's preconditions; what it returns, if anything, sets them on the message. */
export type TakePrecondition = (request: RestRequest) => ((input: Message) => void) | undefined;

const fieldName = "etag";

/**
 * Plans how `If-Match` reaches a method: as the `etag` of its request, or of the
 * resource that is its body (AIP-154), where the method compares it. It takes
 * one strong tag. Throws PRECONDITION_FAILED for what no state can meet and, when
 * `strict`, for conditions that nobody would evaluate; PARAMETER_INVALID for
 * malformed ones and for one that contradicts the body. Undefined for reads.
 */
export function planPrecondition(route: Route, strict: boolean): TakePrecondition | undefined {
  if (route.httpMethod === "GET" || route.httpMethod === "HEAD") return undefined;
  const path = etagPath(route);
  return ({ headers }) => {
    if (strict && headers["if-none-match"] !== undefined) {
      throw failed("If-None-Match", "a request that changes something is not compared with it");
    }
    const value = headers["if-match"];
    const opaque = value === undefined ? undefined : strongTag(value);
    if (opaque === undefined) return undefined;
    if (path) return (input) => setTag(input, path, opaque);
    if (strict) throw failed("If-Match", "this route has no entity tag to compare it with");
    return undefined;
  };
}

/** The fields that lead to the `etag` of a request. What a POST brings is no resource that exists. */
export function etagPath({ method, body, httpMethod }: Route): readonly DescField[] | undefined {
  const own = method.input.fields.find(isEtag);
  if (own) return [own];
  if (httpMethod !== "PUT" && httpMethod !== "PATCH") return undefined;
  if (typeof body !== "object" || body.fieldKind !== "message") return undefined;
  const inner = body.message.fields.find(isEtag);
  return inner && [body, inner];
}

/** Whether a field holds an entity tag by its name and type. */
export function isEtag(field: DescField): boolean {
  return field.name === fieldName && field.fieldKind === "scalar" && field.scalar === ScalarType.STRING;
}

/** The one tag that the state must have; undefined when any will do. */
function strongTag(value: string): string | undefined {
  const condition = parseTagCondition(value);
  if (condition.kind === "any") return undefined;
  if (condition.kind === "malformed") throw invalid("must be an entity tag in double quotes, or *");
  const strong = condition.tags.filter(({ weak, opaque }) => !weak && opaque !== "");
  if (strong.length === 0) throw failed("If-Match", "weak and empty entity tags match nothing");
  if (strong.length > 1) throw invalid("must name a single entity tag here");
  return strong[0]?.opaque;
}

function setTag(input: Message, path: readonly DescField[], opaque: string): void {
  const draft = reflect(path[0]!.parent, input);
  const holder = path.length === 1 ? draft : innerOf(draft, path[0]!);
  const known = holder?.get(path.at(-1)!);
  if (known !== undefined && known !== "" && known !== opaque) {
    throw invalid(`contradicts ${path.map(({ name }) => name).join(".")}`);
  }
  setPath(draft, path, opaque);
}

function innerOf(draft: ReturnType<typeof reflect>, field: DescField) {
  return field.fieldKind === "message" && draft.isSet(field) ? draft.get(field) : undefined;
}

function failed(header: string, problem: string) {
  return errors.preconditionFailed({ header, problem });
}

function invalid(problem: string) {
  return errors.parameterInvalid({ parameter: "if-match", problem });
}
