import { Agent, type IncomingMessage } from "node:http";
import { Agent as TlsAgent } from "node:https";
import {
  BrokenCircuitError,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  wrap,
} from "cockatiel";
import { boundedSignal } from "../../../kit/abortable-delay.js";
import type { ProviderConfig } from "../../config.js";
import { Handover } from "../../handover.js";
import {
  type Completion,
  type CompletionPart,
  parseCompletion,
  readChunks,
  type TokenCount,
} from "./completion.js";
import { eventData } from "./event-data.js";
import { ProviderError, type ProviderFailure } from "./provider-error.js";
import { interrupted, postToProvider } from "./provider-exchange.js";
import { readBounded, readText } from "./read-bounded.js";

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

/** An answer and what it cost. */
export interface ProviderAnswer extends Completion {
  /** In the currency of the configured prices; absent without tokens or prices. */
  readonly cost?: number;
}

/** The end of a streamed answer. */
export interface ProviderEnd {
  readonly kind: "end";
  readonly completion: ProviderAnswer;
}

/** How one exchange with a provider ended. */
export interface ProviderOutcome {
  readonly provider: string;
  readonly outcome: "ok" | ProviderFailure;
  readonly seconds: number;
  readonly tokens?: TokenCount;
  readonly cost?: number;
}

/** What a provider is made of. */
export interface ProviderOptions {
  readonly config: ProviderConfig;
  /** Told of every exchange when it is over, for metrics. */
  readonly observe?: (outcome: ProviderOutcome) => void;
}

const mostConnections = 64;
const jsonType = "application/json";
const eventType = "text/event-stream";

/**
 * A client of one provider. It tries again, after a pause with jitter, only
 * what failed before any byte of an answer, and stops asking for 30 s when half
 * of the last ten exchanges failed by the provider's fault. All attempts
 * together have the configured time; no more than the configured bytes are read.
 */
export function createProvider({ config, observe = () => undefined }: ProviderOptions): Provider {
  const agent = config.baseUrl.startsWith("https:")
    ? new TlsAgent({ keepAlive: true, maxSockets: mostConnections })
    : new Agent({ keepAlive: true, maxSockets: mostConnections });
  const policy = planPolicy(config);

  const exchange = async <T>(
    request: ProviderRequest,
    { accept, outer }: { readonly accept: string; readonly outer: AbortSignal },
    read: (response: IncomingMessage) => Promise<T>,
  ): Promise<T> => {
    const { signal, release } = boundedSignal(config.timeoutMs, outer);
    const body = JSON.stringify({ ...request, model: config.model });
    try {
      const attempts = policy.execute(async () => {
        const response = await postToProvider({ config, agent, body, accept, signal });
        return read(response).catch((error: unknown) => {
          throw failureOf(error, signal);
        });
      }, signal);
      return await orAborted(attempts, signal);
    } catch (error) {
      throw failureOf(error, signal);
    } finally {
      release();
    }
  };

  const measured = async <T>(work: () => Promise<T>, endOf: (result: T) => ProviderAnswer): Promise<T> => {
    const start = performance.now();
    const tell = (outcome: ProviderOutcome["outcome"], answer?: ProviderAnswer) => {
      const { tokens, cost } = answer ?? {};
      const seconds = (performance.now() - start) / 1000;
      observe({
        provider: config.id,
        outcome,
        seconds,
        ...(tokens && { tokens }),
        ...(cost !== undefined && { cost }),
      });
    };
    try {
      const result = await work();
      tell("ok", endOf(result));
      return result;
    } catch (error) {
      tell(error instanceof ProviderError ? error.failure : "malformed");
      throw error;
    }
  };

  return {
    id: config.id,
    complete: (request, outer) =>
      measured(
        () =>
          exchange({ ...request, stream: false }, { accept: jsonType, outer }, async (response) => {
            requireType(response, [jsonType]);
            return priced(parseCompletion(await readText(response, config.mostBytes)), config);
          }),
        (answer) => answer,
      ),

    async *stream(request, outer) {
      const leaving = new AbortController();
      const pieces = new Handover<CompletionPart>();
      const asked = { ...request, stream: true, stream_options: { include_usage: true } };
      const signal = AbortSignal.any([outer, leaving.signal]);
      const whole = measured(
        () =>
          exchange(asked, { accept: `${eventType}, ${jsonType}`, outer: signal }, async (response) => {
            let end: ProviderAnswer | undefined;
            for await (const part of partsOf(response, config)) {
              if (part.kind === "end") end = priced(part.completion, config);
              else await pieces.give(part, signal);
            }
            return end as ProviderAnswer;
          }),
        (answer) => answer,
      );
      whole.then(
        () => pieces.close(),
        () => pieces.close(),
      );
      try {
        yield* pieces;
        yield { kind: "end", completion: await whole };
      } finally {
        leaving.abort();
        // Whoever has left does not ask how it ended.
        whole.catch(() => undefined);
      }
    },

    stop: () => agent.destroy(),
  };
}

function planPolicy({ retries, retryDelayMs }: ProviderConfig) {
  const attempts = retry(
    handleWhen((error) => error instanceof ProviderError && error.retryable),
    {
      maxAttempts: retries,
      backoff: new ExponentialBackoff({ initialDelay: retryDelayMs, maxDelay: 2_000 }),
    },
  );
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof ProviderError && error.counts),
    { halfOpenAfter: 30_000, breaker: new CountBreaker({ threshold: 0.5, size: 10 }) },
  );
  return wrap(breaker, attempts);
}

/** Events as they come; a provider that does not stream answers in one piece. */
async function* partsOf(
  response: IncomingMessage,
  { mostBytes }: ProviderConfig,
): AsyncGenerator<CompletionPart> {
  if (requireType(response, [eventType, jsonType]) === eventType) {
    yield* readChunks(eventData(readBounded(response, mostBytes)));
    return;
  }
  const completion = parseCompletion(await readText(response, mostBytes));
  if (completion.content !== "") yield { kind: "content", text: completion.content };
  yield { kind: "end", completion };
}

/** The answer's type; one that says none is taken for JSON. */
function requireType(response: IncomingMessage, accepted: readonly string[]): string {
  const { "content-type": given = jsonType, "content-encoding": coding = "identity" } = response.headers;
  const type = given.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (accepted.includes(type) && coding === "identity") return type;
  response.destroy();
  throw new ProviderError("wrong_type", "answered in another form than was asked for");
}

function priced(completion: Completion, { prices }: ProviderConfig): ProviderAnswer {
  const { tokens } = completion;
  if (!tokens || !prices) return completion;
  const cost = (tokens.input * prices.inputPerMillion + tokens.output * prices.outputPerMillion) / 1e6;
  return { ...completion, cost };
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof BrokenCircuitError)
    return new ProviderError("breaker_open", "is left alone, since it failed often lately");
  // What an aborted exchange dies of looks like the provider's fault.
  return signal.aborted ? interrupted(signal) : error;
}

/** Does not wait for the end of a pause between attempts. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
