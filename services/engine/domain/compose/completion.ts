import { isRecord } from "../../json-record.js";
import { ProviderError } from "./provider-error.js";

/** A function that a model wants called. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, if the model kept to it. */
  readonly arguments: string;
}

/** What a provider says of an answer's length. */
export interface TokenCount {
  readonly input: number;
  readonly output: number;
}

/** A provider's whole answer. Whatever else it said is left out, since nobody would judge it. */
export interface Completion {
  /** Empty when there is none, as with tool calls. */
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
  /** `stop`, `length`, `tool_calls` or `content_filter`. */
  readonly finishReason: string;
  /** Absent when the provider states none. */
  readonly tokens?: TokenCount;
  /** The model that the provider says has answered; absent when it names none, or nothing that looks like a name. */
  readonly model?: string;
}

/** A piece of a streamed answer. */
export type CompletionPart =
  | { readonly kind: "content"; readonly text: string }
  /** The last one. */
  | { readonly kind: "end"; readonly completion: Completion };

/** Reads a `chat.completion`. Throws `ProviderError`. */
export function parseCompletion(body: string): Completion {
  const answer = parseJson(body);
  const choice = firstOf(isRecord(answer) ? answer.choices : undefined);
  const message = isRecord(choice) ? choice.message : undefined;
  if (!isRecord(answer) || !isRecord(choice) || !isRecord(message)) throw noCompletion();
  const content = textOf(message.content) ?? textOf(message.refusal);
  const toolCalls = toolCallsOf(message.tool_calls);
  if (content === undefined && toolCalls.length === 0) throw noCompletion();
  return completed({
    content: content ?? "",
    toolCalls,
    finishReason: choice.finish_reason,
    usage: answer.usage,
    model: answer.model,
  });
}

/**
 * Reads `chat.completion.chunk`s from the data of events, up to `[DONE]`.
 * Rejects with `ProviderError`, also when the stream ends before that.
 */
export async function* readChunks(events: AsyncIterable<string>): AsyncGenerator<CompletionPart> {
  const calls: { id: string; name: string; arguments: string }[] = [];
  let content = "";
  let finishReason: unknown;
  let usage: unknown;
  let model: unknown;
  for await (const data of events) {
    if (data === "[DONE]") {
      yield { kind: "end", completion: completed({ content, toolCalls: calls, finishReason, usage, model }) };
      return;
    }
    const chunk = parseJson(data);
    if (!isRecord(chunk) || "error" in chunk) throw noCompletion();
    usage = chunk.usage ?? usage;
    model = chunk.model ?? model;
    const choice = firstOf(chunk.choices);
    if (!isRecord(choice)) continue;
    finishReason = choice.finish_reason ?? finishReason;
    const delta = isRecord(choice.delta) ? choice.delta : {};
    const text = textOf(delta.content) ?? textOf(delta.refusal) ?? "";
    content += text;
    addToolCalls(calls, delta.tool_calls);
    if (text !== "") yield { kind: "content", text };
  }
  throw new ProviderError("cut", "broke off in the middle of its answer");
}

interface Said {
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: unknown;
  readonly usage: unknown;
  readonly model: unknown;
}

function completed({ content, toolCalls, finishReason, usage, model }: Said): Completion {
  const tokens = tokensOf(usage);
  return {
    content,
    toolCalls,
    finishReason: knownReason(finishReason, toolCalls),
    ...(tokens && { tokens }),
    ...(isModelName(model) && { model }),
  };
}

function isModelName(model: unknown): model is string {
  return typeof model === "string" && /^[\w.:/@-]{1,128}$/.test(model);
}

function knownReason(reason: unknown, toolCalls: readonly ToolCall[]): string {
  if (toolCalls.length > 0) return "tool_calls";
  return reason === "length" || reason === "content_filter" ? reason : "stop";
}

function tokensOf(usage: unknown): TokenCount | undefined {
  if (!isRecord(usage)) return undefined;
  const { prompt_tokens: input, completion_tokens: output } = usage;
  return isCount(input) && isCount(output) ? { input, output } : undefined;
}

/** What a protobuf's uint32 holds. */
function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

const mostToolCalls = 128;

function toolCallsOf(value: unknown): ToolCall[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  const given = Array.isArray(value) ? value : [];
  addToolCalls(
    calls,
    given.map((call, index) => (isRecord(call) ? { ...call, index } : call)),
  );
  return calls;
}

/** Adds pieces of calls, each to the one of its index. */
function addToolCalls(calls: { id: string; name: string; arguments: string }[], pieces: unknown): void {
  if (!Array.isArray(pieces)) return;
  for (const piece of pieces) {
    const at = isRecord(piece) ? piece.index : undefined;
    const called = isRecord(piece) ? piece.function : undefined;
    if (!isRecord(piece) || !isCount(at) || at > calls.length || at >= mostToolCalls || !isRecord(called))
      throw noCompletion();
    calls[at] ??= { id: "", name: "", arguments: "" };
    const call = calls[at];
    call.id += textOf(piece.id) ?? "";
    call.name += textOf(called.name) ?? "";
    call.arguments += textOf(called.arguments) ?? "";
  }
}

function firstOf(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProviderError("malformed", "answered something that is no JSON");
  }
}

function noCompletion(): ProviderError {
  return new ProviderError("malformed", "answered something that is no chat completion");
}
