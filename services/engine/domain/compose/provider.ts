import { Agent, type IncomingMessage } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { boundedSignal } from "../../../kit/abortable-delay.js";
import type { ProviderConfig } from "../../config.js";
import { Handover } from "../../handover.js";
import type { CompletionPart } from "./completion.js";
import { eventType, jsonType, type ProviderAnswer, streamedAnswer, wholeAnswer } from "./provider-answer.js";
import { postToProvider } from "./provider-exchange.js";
import { measured, type ProviderOutcome } from "./provider-outcome.js";
import { createAttempts } from "./provider-resilience.js";

/** An OpenAI-compatible server. */
export interface Provider {
  readonly id: string;
  /** Asks for a whole answer; `model` is the configuration's. Rejects with `ProviderError`. */
  complete(request: ProviderRequest, signal: AbortSignal): Promise<ProviderAnswer>;
  /**
   * Asks for an answer in pieces, its end last. Nothing is read ahead of whoever
   * iterates, and leaving the iteration ends the exchange. Throws `ProviderError`.
   */
  stream(request: ProviderRequest, signal: AbortSignal): AsyncGenerator<CompletionPart | ProviderEnd>;
  /** Ends idle connections. */
  stop(): void;
}

/** Fields of a chat completion request, the model left out. */
export type ProviderRequest = Readonly<Record<string, unknown>>;

/** The end of a streamed answer. */
export interface ProviderEnd {
  readonly kind: "end";
  readonly completion: ProviderAnswer;
}

/** What a provider is made of. */
export interface ProviderOptions {
  readonly config: ProviderConfig;
  /** Told of every exchange when it is over, for metrics. */
  readonly observe?: (outcome: ProviderOutcome) => void;
}

interface ExchangeOptions {
  readonly accept: string;
  readonly outer: AbortSignal;
  readonly stream?: boolean;
}

const mostConnections = 64;

/**
 * A client of one provider, with attempts as `createAttempts` makes them: only
 * what failed before any byte of an answer is asked again. No more than the
 * configured bytes are read.
 */
export function createProvider({ config, observe = () => undefined }: ProviderOptions): Provider {
  const agent = config.baseUrl.startsWith("https:")
    ? new TlsAgent({ keepAlive: true, maxSockets: mostConnections })
    : new Agent({ keepAlive: true, maxSockets: mostConnections });
  const attempts = createAttempts(config);

  const exchange = (
    request: ProviderRequest,
    { accept, outer, stream = false }: ExchangeOptions,
    read: (response: IncomingMessage) => Promise<ProviderAnswer>,
  ): Promise<ProviderAnswer> => {
    const body = JSON.stringify({ ...request, model: config.model });
    const attempt = async (signal: AbortSignal) =>
      read(await postToProvider({ config, agent, body, accept, signal }));
    const { id: provider, model, baseUrl } = config;
    return measured({ provider, asked: { model, stream, baseUrl }, observe }, () => attempts(attempt, outer));
  };

  return {
    id: config.id,
    complete: (request, outer) =>
      exchange({ ...request, stream: false }, { accept: jsonType, outer }, (response) =>
        wholeAnswer(response, config),
      ),

    async *stream(request, outer) {
      const { signal, abort, release } = boundedSignal(config.timeoutMs, outer);
      const pieces = new Handover<CompletionPart>();
      const asked = { ...request, stream: true, stream_options: { include_usage: true } };
      const accept = `${eventType}, ${jsonType}`;
      const whole = exchange(asked, { accept, outer: signal, stream: true }, (response) =>
        streamedAnswer(response, config, (part) => pieces.give(part, signal)),
      );
      whole.then(
        () => pieces.close(),
        () => pieces.close(),
      );
      try {
        yield* pieces;
        yield { kind: "end", completion: await whole };
      } finally {
        abort();
        release();
        // Whoever has left does not ask how it ended.
        whole.catch(() => undefined);
      }
    },

    stop: () => agent.destroy(),
  };
}
