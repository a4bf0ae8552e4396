import type { Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { errors } from "../../kit/errors.js";
import { planBody } from "./body.js";
import type { RestRequest } from "./exchange.js";
import { type Draft, setPath } from "./field-path.js";
import { expectation } from "./field-value.js";
import type { JsonCodec } from "./json.js";
import { planMask } from "./mask.js";
import { decode, decodeKeepingSlashes } from "./path.js";
import { planPrecondition } from "./precondition.js";
import { planQuery } from "./query.js";
import type { BodyLimits } from "./read-bytes.js";
import type { BoundVariable, Route } from "./route.js";

/** What of a request is bound, after routing. */
export interface Bindable {
  readonly request: RestRequest;
  /** Raw segments of the path, without the verb. */
  readonly segments: readonly string[];
  /** Raw. */
  readonly query: string;
}

/** What binding is made of. */
export interface BindOptions {
  readonly codec: JsonCodec;
  readonly ignoreUnknown: boolean;
  readonly body: BodyLimits;
  readonly maxParameters: number;
  readonly maxDepth: number;
  /** Refuse preconditions that neither we nor the method would evaluate. */
  readonly strictPreconditions: boolean;
}

/** Makes the request message of a method, at once where no body is awaited; throws or rejects with an error of the catalogue. */
export type Bind = (bindable: Bindable) => Message | Promise<Message>;

/** Sets what path and query carry on a message that was read from a body of this text. */
export type Fill = (input: Message, text?: string) => Message;

/**
 * Plans a route's binding: the body first, then the path, which wins, then the
 * query, which may only set what neither of them carries, and `If-Match` last.
 */
export function planBind(route: Route, options: BindOptions): Bind {
  const readBody = planBody(route, options.codec, options.ignoreUnknown, options.body);
  const planned = planFill(route, options);
  const takePrecondition = planPrecondition(route, options.strictPreconditions);
  return ({ request, segments, query }) => {
    // Before the body, so that a bad path or condition is refused without waiting for it.
    const fill = planned(segments, query);
    const setPrecondition = takePrecondition?.(request);
    return readBody(request, ({ input, text }) => {
      const message = fill(input, text);
      setPrecondition?.(message);
      return message;
    });
  };
}

/** Plans the part of a route's binding that is not its body. Throws when the path does not fit. */
export function planFill(
  route: Route,
  options: BindOptions,
): (segments: readonly string[], query: string) => Fill {
  const bindQuery = planQuery(route, options);
  const inferMask = planMask(route);
  const fillsNothing = route.variables.length === 0 && !inferMask;
  return (segments, query) => {
    if (fillsNothing && query === "") return asItIs;
    const captured = route.variables.map((variable) => capture(variable, segments));
    return (input, text) => {
      const draft = reflect(route.method.input, input);
      route.variables.forEach((variable, index) => {
        setVariable(draft, variable, captured[index]);
      });
      if (query !== "") bindQuery(draft, query);
      if (text !== undefined) inferMask?.(draft, text);
      return input;
    };
  };
}

const asItIs: Fill = (input) => input;

function capture(variable: BoundVariable, segments: readonly string[]): unknown {
  const start = variable.start < 0 ? segments.length + variable.start : variable.start;
  const raw = segments.slice(start, segments.length - variable.fromEnd);
  const text = variable.single ? decode(raw[0] ?? "") : decodeKeepingSlashes(raw.join("/"));
  const value = variable.read(text);
  if (value !== undefined) return value;
  const problem = expectation(variable.fields.at(-1) as BoundVariable["fields"][number]);
  throw errors.parameterInvalid({ parameter: variable.name, problem });
}

function setVariable(draft: Draft, { fields }: BoundVariable, value: unknown): void {
  setPath(draft, fields, value);
}
