import { ConnectError } from "@connectrpc/connect";
import { errorFacts, errors } from "../../kit/errors.js";
import type { Exchange } from "./exchange.js";
import type { Lingering } from "./linger.js";
import type { TranscoderOptions } from "./options.js";
import { statusOf } from "./problem.js";
import { renderError } from "./render.js";

/** What becomes of requests that fail. */
export interface Failures<Context> {
  /** What a client is told; what is no ConnectError goes to `onError`. */
  asError(exchange: Exchange<Context>, failure: unknown): ConnectError;
  /** Answers with an error, or breaks an answer off that has begun. What prevents that goes to `onError`. */
  fail(exchange: Exchange<Context>, failure: unknown): void;
}

/** Plans how failures are reported and answered. */
export function planFailures<Context>(
  options: TranscoderOptions<Context>,
  lingering: Lingering,
): Failures<Context> {
  const report = (failure: unknown, { incoming, endpoint }: Exchange<Context>): void =>
    options.onError?.(failure, { incoming, method: endpoint?.route.method });

  const asError = (exchange: Exchange<Context>, failure: unknown): ConnectError => {
    if (failure instanceof ConnectError) return failure;
    report(failure, exchange);
    return errors.internal(failure);
  };

  const answer = (exchange: Exchange<Context>, failure: unknown): void => {
    const error = asError(exchange, failure);
    if (!exchange.called) reportRejection(exchange, error, options);
    const { response, form } = exchange;
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else renderError(exchange, error, { form, lingering });
  };

  const fail = (exchange: Exchange<Context>, failure: unknown): void => {
    try {
      answer(exchange, failure);
    } catch (cause) {
      report(cause, exchange);
      answerNothing(exchange);
    }
  };
  return { asError, fail };
}

function answerNothing({ response }: Exchange<unknown>): void {
  if (response.headersSent) response.destroy();
  else {
    response.writeHead(500, {});
    response.end();
  }
}

function reportRejection<Context>(
  { request, incoming, endpoint }: Exchange<Context>,
  error: ConnectError,
  { onReject }: TranscoderOptions<Context>,
): void {
  onReject?.({
    incoming,
    httpMethod: request.method ?? "",
    route: endpoint?.route.text,
    method: endpoint?.route.method,
    status: statusOf(error),
    reason: errorFacts(error)?.reason,
    error,
  });
}
