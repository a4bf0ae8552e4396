import { errors } from "../../kit/errors.js";
import type { ToolCall } from "../domain/compose/completion.js";
import { isRecord } from "../json-record.js";

/** One message of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  /** As it came: `developer` is a system's role too. */
  readonly sentRole: string;
  /** Its texts, joined; empty for none. */
  readonly text: string;
  readonly name?: string;
  readonly toolCallId?: string;
  readonly toolCalls: readonly ToolCall[];
}

const roles: ReadonlyMap<unknown, ChatMessage["role"]> = new Map([
  ["system", "system"],
  ["developer", "system"],
  ["user", "user"],
  ["assistant", "assistant"],
  ["tool", "tool"],
]);
const mostNameCharacters = 128;

/** Reads the messages of a request. Throws CHAT_REQUEST_INVALID. */
export function readMessages(given: unknown, most: number): ChatMessage[] {
  if (!Array.isArray(given) || given.length === 0) throw invalid("messages", "must be a list of messages");
  if (given.length > most) throw invalid("messages", `may be ${most}`);
  return given.map((message, at) => readMessage(message, `messages[${at}]`));
}

function readMessage(message: unknown, at: string): ChatMessage {
  if (!isRecord(message)) throw invalid(at, "must be an object");
  const role = roles.get(message.role);
  if (!role) throw invalid(`${at}.role`, "must be system, developer, user, assistant or tool");
  const name = optionalName(message.name, `${at}.name`);
  const toolCallId = optionalName(message.tool_call_id, `${at}.tool_call_id`);
  if (role === "tool" && toolCallId === undefined) throw invalid(`${at}.tool_call_id`, "must be a text");
  if (message.function_call !== undefined && message.function_call !== null)
    throw invalid(`${at}.function_call`, "is of the old form; use tool_calls");
  return {
    role,
    sentRole: String(message.role),
    text: textOf(message.content, `${at}.content`) || textOf(message.refusal, `${at}.refusal`),
    ...(name !== undefined && { name }),
    ...(toolCallId !== undefined && { toolCallId }),
    toolCalls: role === "assistant" ? toolCallsOf(message.tool_calls, `${at}.tool_calls`) : [],
  };
}

/** A text, or the texts of its parts. What is no text could not be judged. */
function textOf(content: unknown, at: string): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(at, "must be a text or a list of parts");
  return content.map((part, number) => textOfPart(part, `${at}[${number}]`)).join("\n\n");
}

function textOfPart(part: unknown, at: string): string {
  const text = isRecord(part) ? (part.type === "refusal" ? part.refusal : part.text) : undefined;
  if (!isRecord(part) || !["text", "refusal"].includes(String(part.type)) || typeof text !== "string")
    throw invalid(at, "must be a text: nothing else could be judged");
  return text;
}

function toolCallsOf(given: unknown, at: string): ToolCall[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw invalid(at, "must be a list");
  return given.map((call, number) => {
    const called = isRecord(call) ? call.function : undefined;
    if (!isRecord(call) || !isRecord(called))
      throw invalid(`${at}[${number}]`, "must be the call of a function");
    const { id } = call;
    const { name, arguments: args } = called;
    if (typeof id !== "string" || typeof name !== "string" || typeof args !== "string")
      throw invalid(`${at}[${number}]`, "must have an id, a name and arguments");
    return { id, name, arguments: args };
  });
}

/** Identifiers, which go on unmasked: so they hold no text. */
function optionalName(value: unknown, at: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && value.length <= mostNameCharacters && /^[\w.:-]+$/.test(value))
    return value;
  throw invalid(at, "must be letters, digits, and ._:- alone");
}

function invalid(param: string, problem: string) {
  return errors.chatRequestInvalid({ param, problem });
}
