import type { ImageError } from "../contract.js";
import { type DecisionRoute, speaksOpenai } from "./routes.js";
import type { Situation } from "./situations.js";

/** How a decision leaves by a route. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** `OK`, or the code of the error as the protocol tells it. */
  readonly code: string;
  /** What comes last, in order. */
  readonly last: readonly Last[];
}

/** What ends an answer. */
export type Last =
  | "message"
  | "result"
  | "error"
  | "finish_reason stop"
  | "finish_reason content_filter"
  | "[DONE]";

/** As Connect has it for FAILED_PRECONDITION, and OpenAI for whatever a filter refuses. */
const badRequest = 400;

/** How the verdict of a situation leaves by a route. `block` is the error that a block is. */
export function answerOf(
  route: DecisionRoute,
  { blocks }: Pick<Situation, "blocks">,
  block: ImageError,
): Answer {
  if (speaksOpenai(route.method)) return openaiAnswer(route, blocks, block);
  const ok = { status: 200, code: "OK" };
  if (route.method.streams) {
    if (!blocks) return { ...ok, last: ["result"] };
    return { status: 200, code: block.code, last: ["result", "error"] };
  }
  if (!blocks) return { ...ok, last: ["message"] };
  return { status: unaryStatus(route, block), code: block.code, last: ["error"] };
}

function unaryStatus({ protocol }: DecisionRoute, { http }: ImageError): number {
  if (protocol === "REST") return http ?? badRequest;
  return protocol === "Connect" ? badRequest : 200;
}

function openaiAnswer(route: DecisionRoute, blocks: Situation["blocks"], { code }: ImageError): Answer {
  if (blocks === "input") {
    const rest = route.protocol === "REST";
    return { status: rest ? badRequest : 200, code: rest ? "content_filter" : code, last: ["error"] };
  }
  const finish = blocks ? "finish_reason content_filter" : "finish_reason stop";
  return { status: 200, code: "OK", last: route.release === "whole" ? [finish] : [finish, "[DONE]"] };
}
