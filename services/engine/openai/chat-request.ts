import { errors } from "../../kit/errors.js";
import type { ConversationText } from "../domain/compose/composer.js";
import { isRecord } from "../json-record.js";
import { type ChatMessage, readMessages } from "./chat-messages.js";

/** A chat completion request, taken apart. */
export interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether a stream ends with the usage. */
  readonly includeUsage: boolean;
  readonly messages: readonly ChatMessage[];
  /** Where in `messages` the user spoke last. */
  readonly asked: number;
  /** As the caller names it; undefined outside of conversations. */
  readonly conversationId: string | undefined;
  /** Fields that go on to a provider as they are. */
  readonly passedOn: Readonly<Record<string, unknown>>;
}

/** Bounds of a conversation. */
const mostMessages = 512;
/** Of all texts of a conversation together, in UTF-16 units. */
const mostCharacters = 200_000;
/** Of what the user said last, as `ProcessRequest.input`. */
const mostAsked = 16_000;

/** Fields with which an answer would hold what nobody judges. */
const refused: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value !== 1,
  logprobs: (value) => value !== false,
  top_logprobs: (value) => value !== 0,
  audio: () => true,
  modalities: (value) => !Array.isArray(value) || value.some((one) => one !== "text"),
  functions: () => true,
  function_call: () => true,
};

/** Reads the JSON of a request. Throws CHAT_REQUEST_INVALID with the parameter at fault. */
export function readChatRequest(json: string): ChatRequest {
  const body = parse(json);
  const { model, messages: given, stream = false, stream_options: options, metadata, ...others } = body;
  const { conversationId, passedOn } = conversationOf(metadata, others);
  if (typeof model !== "string" || model === "") throw invalid("model", "must be a text");
  if (stream !== null && typeof stream !== "boolean") throw invalid("stream", "must be true or false");
  for (const [name, isRefused] of Object.entries(refused)) {
    const value = passedOn[name];
    if (value !== undefined && value !== null && isRefused(value))
      throw invalid(name, "asks for something that could not be judged");
  }
  const messages = readMessages(given, mostMessages);
  const asked = messages.findLastIndex(({ role, text }) => role === "user" && text.trim() !== "");
  if (asked < 0) throw invalid("messages", "must have a text of the user");
  if ((messages[asked]?.text.length ?? 0) > mostAsked)
    throw invalid("messages", `what the user says last may have ${mostAsked} characters`);
  const request = {
    model,
    stream: stream === true,
    includeUsage: wantsUsage(options),
    messages,
    asked,
    conversationId,
    passedOn,
  };
  const size = otherTexts(request).reduce((sum, { text }) => sum + text.length, 0);
  if (size > mostCharacters) throw invalid("messages", `may have ${mostCharacters} characters altogether`);
  return request;
}

/** The conversation is named to us, so a provider does not hear of it. */
function conversationOf(
  metadata: unknown,
  others: Readonly<Record<string, unknown>>,
): Pick<ChatRequest, "conversationId" | "passedOn"> {
  if (!isRecord(metadata) || metadata.conversation_id === undefined) {
    return { conversationId: undefined, passedOn: metadata === undefined ? others : { ...others, metadata } };
  }
  const { conversation_id: id, ...rest } = metadata;
  if (typeof id !== "string" || !/^[!-~]{1,64}$/.test(id))
    throw invalid("metadata.conversation_id", "must be 1 to 64 visible ASCII characters");
  const kept = Object.keys(rest).length === 0 ? {} : { metadata: rest };
  return { conversationId: id, passedOn: { ...others, ...kept } };
}

/** What the user said last. */
export function questionOf({ messages, asked }: ChatRequest): string {
  return messages[asked]?.text ?? "";
}

/** Every text but that, in the order in which `masked` takes them back. */
export function otherTexts({ messages, asked, passedOn }: ChatRequest): ConversationText[] {
  const told = textsOf(passedOn).join("\n");
  return [
    ...messages.flatMap(({ role, text, toolCalls }, at) => [
      ...(at === asked || text === "" ? [] : [{ role, text }]),
      ...toolCalls.map((call) => ({ role, text: call.arguments })),
    ]),
    ...(told === "" ? [] : [{ role: "parameters" as const, text: told }]),
  ];
}

/** The messages with masked texts in the places of their own. */
export function maskedMessages(
  { messages, asked }: ChatRequest,
  question: string,
  others: readonly ConversationText[],
): Record<string, unknown>[] {
  let next = 0;
  const take = () => others[next++]?.text ?? "";
  return messages.map((message, at) => {
    const content = at === asked ? question : message.text === "" ? "" : take();
    const calls = message.toolCalls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: take() },
    }));
    return {
      role: message.sentRole,
      ...(message.name !== undefined && { name: message.name }),
      ...(message.toolCallId !== undefined && { tool_call_id: message.toolCallId }),
      content: content === "" && calls.length > 0 ? null : content,
      ...(calls.length > 0 && { tool_calls: calls }),
    };
  });
}

/** What a provider is told beside the texts: the form of the conversation, and fields that go on as they are. */
export function besideTexts({ messages, asked, passedOn }: ChatRequest): unknown {
  const form = messages.map(({ sentRole, name, toolCallId, toolCalls }) => {
    return { sentRole, name, toolCallId, toolCalls: toolCalls.map((call) => [call.id, call.name]) };
  });
  return { form, asked, passedOn };
}

/** CHAT_REQUEST_INVALID. */
export function invalid(param: string, problem: string) {
  return errors.chatRequestInvalid({ param, problem });
}

function parse(json: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(json);
    if (isRecord(body)) return body;
  } catch {
    // Said below, without what a parser says.
  }
  throw invalid("body", "must be a JSON object");
}

function wantsUsage(options: unknown): boolean {
  return isRecord(options) && options.include_usage === true;
}

/** Texts of two words and more: single words are names and types. */
function textsOf(value: unknown): string[] {
  const texts: string[] = [];
  const stack = [value];
  while (stack.length > 0) {
    const one = stack.pop();
    if (typeof one === "string") {
      if (/\S\s+\S/.test(one)) texts.push(one);
    } else if (Array.isArray(one)) stack.push(...one.toReversed());
    else if (isRecord(one)) stack.push(...Object.values(one).reverse());
  }
  return texts;
}
