import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { isReleased } from "../domain/verdict.js";
import type { ChatRequest } from "./chat-request.js";

/** An answer in OpenAI's form, of a decision that was made. */
export interface ChatAnswer {
  readonly decision: Decision;
  readonly request: Pick<ChatRequest, "model" | "includeUsage">;
}

/** A `chat.completion`. */
export function completionOf(answer: ChatAnswer) {
  const { decision } = answer;
  const { content, toolCalls } = decision;
  const message = {
    role: "assistant",
    content: content === "" && toolCalls.length > 0 ? null : content,
    refusal: null,
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toolCall) }),
  };
  return {
    ...headOf(answer, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(decision) }],
    ...(usageOf(decision) && { usage: usageOf(decision) }),
    consciousness: judgementOf(decision),
  };
}

/** The same answer as `chat.completion.chunk`s. */
export function chunksOf(answer: ChatAnswer): object[] {
  const { decision, request } = answer;
  const head = headOf(answer, "chat.completion.chunk");
  const usage = request.includeUsage ? { usage: null } : {};
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...usage,
  });
  return [
    chunk({ role: "assistant", content: "", refusal: null }),
    ...(decision.content === "" ? [] : [chunk({ content: decision.content })]),
    ...decision.toolCalls.map((call, index) => chunk({ tool_calls: [{ index, ...toolCall(call) }] })),
    { ...chunk({}, finishReason(decision)), consciousness: judgementOf(decision) },
    ...(request.includeUsage ? [{ ...head, choices: [], usage: usageOf(decision) ?? null }] : []),
  ];
}

/** Whether the answer was blocked, and not the input: something had been composed. */
export function isBlockedAnswer({ verdict, composer }: Decision): boolean {
  return verdict === Verdict.BLOCKED && composer !== "";
}

function headOf({ decision, request }: ChatAnswer, object: string) {
  const created = Number(decision.createTime?.seconds ?? 0n);
  return { id: `chatcmpl-${decision.id}`, object, created, model: request.model };
}

/** What OpenAI's form has no place for. */
function judgementOf({ id, verdict, cached }: Decision) {
  return { decision_id: id, verdict: Verdict[verdict], ...(cached && { cached }) };
}

function finishReason({ verdict, finishReason, toolCalls }: Decision): string {
  if (verdict === Verdict.BLOCKED) return "content_filter";
  if (toolCalls.length > 0) return "tool_calls";
  return isReleased(verdict) && finishReason !== "" ? finishReason : "stop";
}

function toolCall({ id, name, arguments: args }: Decision["toolCalls"][number]) {
  return { id, type: "function", function: { name, arguments: args } };
}

/** The embedded composer and an answer given again take no tokens; of a provider that counts none, none are told. */
function usageOf({ composeUsage, composer, cached }: Decision) {
  if (!composeUsage && composer !== "extractive" && composer !== "" && !cached) return undefined;
  const { inputTokens = 0, outputTokens = 0 } = composeUsage ?? {};
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
