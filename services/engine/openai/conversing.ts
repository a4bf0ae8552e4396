import type { Composer, RequestOf } from "../domain/compose/composer.js";
import { evidenceText, instructionsOf } from "../domain/compose/provider-composer.js";
import { type ChatRequest, maskedMessages } from "./chat-request.js";

/** The composer, asking with the conversation. One that asks nobody answers what the user said last. */
export function conversing(composer: Composer, chat: ChatRequest): Composer {
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
