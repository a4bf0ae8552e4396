import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { ChatService } from "#gen/ts/consciousness/openai/v1/chat_service_pb.js";
import type { HttpBody } from "#gen/ts/google/api/httpbody_pb.js";
import { errors } from "../../kit/errors.js";
import { decisionHeader } from "../../kit/peers/same-call.js";
import { ethicalViolation } from "../blocked-decision.js";
import type { Composer, RequestOf } from "../domain/compose/composer.js";
import { evidenceText, instructionsOf } from "../domain/compose/provider-composer.js";
import type { MaskPersonalData, PipelineRequest } from "../domain/run.js";
import { maskValue } from "../domain/stages/mask-arguments.js";
import { chunksOf, completionOf, isBlockedAnswer } from "../openai/chat-answer.js";
import {
  type ChatRequest,
  invalid,
  maskedMessages,
  otherTexts,
  questionOf,
  readChatRequest,
} from "../openai/chat-request.js";
import type { FindModel } from "../openai/find-model.js";
import { origin, type RequestDeps, strictness } from "../pipeline-request.js";
import { type DecisionEvent, type StreamDeps, streamDecision } from "../stream-decision.js";

/** What CreateChatCompletion needs. */
export interface ChatDeps extends RequestDeps, StreamDeps {
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
      const answer = { decision, request: chat };
      if (!chat.stream)
        yield { contentType: "application/json", data: encode(JSON.stringify(completionOf(answer))) };
      else
        yield eventText(
          [...chunksOf(answer).map((chunk) => JSON.stringify(chunk)), "[DONE]"].map(asEvent).join(""),
        );
    }
  };
}

/**
 * The events, and a sign of quiet whenever none came for a while. Not before
 * the input has passed, since a refusal of it has a status of its own.
 */
async function* withComments(
  events: AsyncGenerator<DecisionEvent>,
  keepAliveMs: number,
): AsyncGenerator<DecisionEvent | "quiet"> {
  let passed = false;
  try {
    for (let next = events.next(); ; ) {
      const result: IteratorResult<DecisionEvent> | "quiet" = passed
        ? await orQuiet(next, keepAliveMs)
        : await next;
      if (result === "quiet") {
        yield result;
        continue;
      }
      if (result.done) return;
      passed ||= result.value.kind === "stage" && result.value.timing.stage === "retrieve";
      yield result.value;
      next = events.next();
    }
  } finally {
    // It may wait for a decision, which hears of this by its signal alone.
    events.return(undefined).catch(() => undefined);
  }
}

async function orQuiet<T>(next: Promise<T>, milliseconds: number): Promise<T | "quiet"> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<"quiet">((resolve) => {
    timer = setTimeout(() => resolve("quiet"), milliseconds);
  });
  try {
    return await Promise.race([next, quiet]);
  } finally {
    clearTimeout(timer);
  }
}

async function requestOf(
  chat: ChatRequest,
  deps: ChatDeps,
  context: HandlerContext,
): Promise<PipelineRequest> {
  const responder = await deps.findModel(chat.model, context);
  return {
    ...(await origin(responder.agentId, deps, context)),
    input: questionOf(chat),
    context: {},
    conversation: otherTexts(chat),
    options: strictness(undefined, deps.config),
    responder: { ...responder, composer: conversing(responder.composer, chat) },
  };
}

/** The composer, asking with the conversation. One that asks nobody answers what the user said last. */
function conversing(composer: Composer, chat: ChatRequest): Composer {
  const ask: RequestOf = (request) => {
    const told = [instructionsOf(request), request.evidence.length > 0 ? evidenceText(request) : ""];
    const system = told.filter((text) => text !== "").join("\n\n");
    const messages = maskedMessages(chat, request.question, request.conversation ?? []);
    return {
      ...chat.passedOn,
      messages: system === "" ? messages : [{ role: "system", content: system }, ...messages],
    };
  };
  return composer.asking?.(ask) ?? composer;
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
