import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { ChatService } from "#gen/ts/consciousness/openai/v1/chat_service_pb.js";
import type { HttpBody } from "#gen/ts/google/api/httpbody_pb.js";
import { errors } from "../../kit/errors.js";
import { decisionHeader } from "../../kit/peers/same-call.js";
import { ethicalViolation } from "../blocked-decision.js";
import type { Conversations } from "../conversations.js";
import type { MaskPersonalData, PipelineRequest } from "../domain/run.js";
import { maskValue } from "../domain/stages/mask-arguments.js";
import { chunksOf, completionOf, isBlockedAnswer } from "../openai/chat-answer.js";
import {
  besideTexts,
  type ChatRequest,
  invalid,
  otherTexts,
  questionOf,
  readChatRequest,
} from "../openai/chat-request.js";
import { conversing } from "../openai/conversing.js";
import type { FindModel } from "../openai/find-model.js";
import { withComments } from "../openai/with-comments.js";
import { origin, type RequestDeps, strictness } from "../pipeline-request.js";
import { type StreamDeps, streamDecision } from "../stream-decision.js";

/** What CreateChatCompletion needs. */
export interface ChatDeps extends RequestDeps, StreamDeps {
  readonly conversations: Conversations;
  readonly findModel: FindModel;
  readonly maskPersonalData: MaskPersonalData;
  /** After how much silence a stream gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
}

/** Handles CreateChatCompletion. */
export function createChatCompletion(
  deps: ChatDeps,
): ServiceImpl<typeof ChatService>["createChatCompletion"] {
  return async function* (body, context) {
    const chat = await withMaskedFields(readChatRequest(textOf(body)), deps.maskPersonalData);
    const request = await requestOf(chat, deps, context);
    context.responseHeader.set(decisionHeader, request.decisionId);
    const events = streamDecision({ request, windowed: false }, deps, context);
    for await (const event of chat.stream ? withComments(events, deps.keepAliveMs) : events) {
      if (event === "quiet") yield eventText(": judging\n\n");
      if (typeof event === "string" || event.kind !== "decided") continue;
      const { decision } = event;
      if (decision.verdict === Verdict.BLOCKED && !isBlockedAnswer(decision))
        throw ethicalViolation(decision);
      const { conversationId } = chat;
      const told = await deps.conversations.told(decision, { conversationId, context });
      const answer = { decision: told, request: chat };
      if (!chat.stream)
        yield { contentType: "application/json", data: encode(JSON.stringify(completionOf(answer))) };
      else
        yield eventText(
          [...chunksOf(answer).map((chunk) => JSON.stringify(chunk)), "[DONE]"].map(asEvent).join(""),
        );
    }
  };
}

async function requestOf(
  chat: ChatRequest,
  deps: ChatDeps,
  context: HandlerContext,
): Promise<PipelineRequest> {
  const found = await deps.findModel(chat.model, context);
  const responder = { ...found, composer: conversing(found.composer, chat) };
  const begun = await origin(responder.agentId, deps, context);
  const options = strictness(undefined, deps.config);
  const { agentId } = responder;
  const of = { conversationId: chat.conversationId, agentId, context };
  const pseudonyms = deps.conversations.pseudonyms(of, begun.policy);
  return {
    ...begun,
    ...(pseudonyms && { pseudonyms }),
    input: questionOf(chat),
    context: {},
    conversation: otherTexts(chat),
    options,
    responder,
    knownAnswers: deps.answers.of({ ...begun, responder, options, beside: besideTexts(chat) }),
  };
}

/** Tools and other fields reach a provider without personal data, as messages do. */
async function withMaskedFields(chat: ChatRequest, mask: MaskPersonalData): Promise<ChatRequest> {
  const masked = await maskValue(chat.passedOn, mask, 0);
  if (!masked) throw invalid("body", "is nested too deep");
  return { ...chat, passedOn: masked.value as ChatRequest["passedOn"] };
}

function textOf({ data, contentType }: HttpBody): string {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json" && type !== "")
    throw errors.mediaTypeUnsupported({ media_type: contentType, expected: "application/json" });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    throw invalid("body", "must be UTF-8");
  }
}

function eventText(text: string) {
  return { contentType: "text/event-stream", data: encode(text) };
}

function asEvent(data: string): string {
  return `data: ${data}\n\n`;
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
