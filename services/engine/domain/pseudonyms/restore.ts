import { clone } from "@bufbuild/protobuf";
import { type Decision, DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { tokensIn, unescaped } from "./token.js";

/** A text with values back in the places of their tokens. */
export interface Restored {
  readonly text: string;
  /** Where a place of the text with tokens is now; within a token: where its value begins. */
  at(place: number): number;
}

/** Tokens of an answer that its request brought, and that may have a value back: others were invented. */
export function restorableTokens(answer: string, placed: ReadonlySet<string>): string[] {
  return [...new Set(tokensIn(answer).map(({ text }) => text))].filter((token) => placed.has(token));
}

/** Every token in what a decision was asked, escaped ones included. */
export function tokensAsked({ input, context, conversation }: Decision): ReadonlySet<string> {
  const texts = [input, ...Object.entries(context).flat(), ...conversation.map(({ text }) => text)];
  return new Set(texts.flatMap((text) => tokensIn(text).map((token) => token.text)));
}

/** Puts values in the places of their tokens, and what looked like tokens back as it was. */
export function restoreTokens(
  text: string,
  placed: ReadonlySet<string>,
  values: ReadonlyMap<string, string>,
): Restored {
  const parts: string[] = [];
  const moves: { readonly start: number; readonly end: number; readonly to: number; readonly by: number }[] =
    [];
  let from = 0;
  let length = 0;
  for (const token of tokensIn(text)) {
    const typed = token.escaped && placed.has(token.text);
    const value = typed ? unescaped(token.text) : values.get(token.text);
    if (value === undefined) continue;
    parts.push(text.slice(from, token.start), value);
    const to = length + token.start - from;
    length = to + value.length;
    from = token.end;
    moves.push({ start: token.start, end: token.end, to, by: length - from });
  }
  const at = (place: number) => {
    const move = moves.findLast(({ start }) => start < place);
    if (!move) return place;
    return place < move.end ? move.to : place + move.by;
  };
  return { text: parts.join("") + text.slice(from), at };
}

/**
 * The decision as it is told: with values in the answer and in the arguments of
 * tool calls, and what points into the answer moved along.
 */
export function withValues(
  decision: Decision,
  placed: ReadonlySet<string>,
  values: ReadonlyMap<string, string>,
): Decision {
  const { text, at } = restoreTokens(decision.content, placed, values);
  const told = clone(DecisionSchema, decision);
  const move = (spans: { start: number; end: number }[]) => {
    for (const span of spans) Object.assign(span, { start: at(span.start), end: at(span.end) });
  };
  told.content = text;
  for (const { contentSpans } of told.evidence) move(contentSpans);
  for (const { scope, spans } of told.ethicalEvaluation?.violations ?? [])
    if (scope === Scope.OUTPUT) move(spans);
  const inJson = new Map([...values].map(([token, value]) => [token, JSON.stringify(value).slice(1, -1)]));
  for (const call of told.toolCalls) call.arguments = restoreTokens(call.arguments, placed, inJson).text;
  return told;
}
