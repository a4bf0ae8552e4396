import { context, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { begin, recordedSpan } from "../kit/spans.js";
import type { ProviderOutcome } from "./domain/compose/provider-outcome.js";

/**
 * Adds an exchange that has just ended to the trace, with all its attempts, as
 * OpenTelemetry's conventions for generative AI have it. Nothing of what was
 * asked or answered is in it, and the provider learns nothing of the trace.
 */
export function recordExchange(ended: ProviderOutcome): void {
  if (!recordedSpan()) return;
  const endTime = Date.now();
  const options = {
    kind: SpanKind.CLIENT,
    startTime: new Date(endTime - ended.seconds * 1000),
    attributes: { ...askedAttributes(ended), ...answerAttributes(ended) },
  };
  const begun = begin(`chat ${ended.asked.model}`, options, context.active());
  if (!begun.recorded) return;
  if (ended.outcome !== "ok") begun.span.setStatus({ code: SpanStatusCode.ERROR });
  begun.span.end(new Date(endTime));
}

function askedAttributes({ provider, asked }: ProviderOutcome) {
  const { hostname, port, protocol } = new URL(asked.baseUrl);
  return {
    "gen_ai.operation.name": "chat",
    // The API's flavour; which provider it is stands beside it.
    "gen_ai.provider.name": "openai",
    "consciousness.provider": provider,
    "gen_ai.request.model": asked.model,
    ...(asked.stream && { "gen_ai.request.stream": true }),
    "server.address": hostname,
    "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
  };
}

function answerAttributes({ outcome, tokens, finishReason, model }: ProviderOutcome) {
  return {
    ...(outcome !== "ok" && { "error.type": outcome }),
    ...(model !== undefined && { "gen_ai.response.model": model }),
    ...(finishReason !== undefined && { "gen_ai.response.finish_reasons": [finishReason] }),
    ...(tokens && {
      "gen_ai.usage.input_tokens": tokens.input,
      "gen_ai.usage.output_tokens": tokens.output,
    }),
  };
}
