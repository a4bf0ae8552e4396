import type { HandlerContext } from "@connectrpc/connect";
import type { Decision, StageTiming } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { boundedSignal } from "../kit/abortable-delay.js";
import type { Clock } from "../kit/clock.js";
import { callOf } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import type { Log } from "../kit/log.js";
import type { Pipeline } from "./domain/pipeline.js";
import type { PipelineRequest } from "./domain/run.js";
import { Handover } from "./handover.js";
import type { DecisionStore } from "./store.js";

/** What deciding in a stream needs. */
export interface StreamDeps {
  readonly pipeline: Pipeline;
  readonly store: Pick<DecisionStore, "record">;
  /** Told of every decision once it is stored, for metrics and means. */
  readonly observe: (decision: Decision) => void;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  /** How long a stream may take to its verdict, in milliseconds. */
  readonly streamTimeoutMs: number;
  /** Decisions that are being made, whoever still waits for them. */
  readonly pending: Set<Promise<unknown>>;
}

/** What happens on the way to a decision, which comes last. */
export type DecisionEvent =
  | { readonly kind: "stage"; readonly timing: StageTiming }
  | { readonly kind: "window"; readonly content: string }
  | { readonly kind: "decided"; readonly decision: Decision };

/** A request to decide in a stream. */
export interface StreamedRequest {
  readonly request: PipelineRequest;
  /** Whether the answer leaves in windows. */
  readonly windowed: boolean;
}

/**
 * Decides a request and tells of it as it goes on. The decision is recorded
 * once, whoever leaves: a caller that goes away, or whose time is over, stops
 * the work, and what is known by then is settled and stored. Windows wait for
 * whoever reads them. Throws CANCELED or DEADLINE_EXCEEDED when nobody waits.
 */
export async function* streamDecision(
  { request, windowed }: StreamedRequest,
  deps: StreamDeps,
  context: HandlerContext,
): AsyncGenerator<DecisionEvent> {
  const leftMs = Math.max(0, callOf(context).deadline - deps.clock.now());
  const timeoutMs = Math.floor(Math.min(deps.streamTimeoutMs, leftMs));
  const expired = errors.deadlineExceeded({ deadline_ms: timeoutMs });
  const { signal, abort, release } = boundedSignal(timeoutMs, context.signal, () => expired);
  const events = new Handover<DecisionEvent>();
  const work = decide(
    {
      ...request,
      settlesWhenLeft: true,
      onStage: (timing) => events.put({ kind: "stage", timing }),
      ...(windowed && { release: (content) => events.give({ kind: "window", content }, signal) }),
    },
    deps,
    context,
    signal,
  );
  let abandoned = false;
  const close = () => {
    events.close();
    deps.pending.delete(work);
  };
  deps.pending.add(work);
  work.then(close, (cause: unknown) => {
    close();
    if (abandoned) deps.log.error("a decision nobody waits for was not recorded", { cause });
  });
  try {
    yield* events;
    const decision = await work;
    if (signal.aborted) throw signal.reason === expired ? expired : errors.canceled();
    yield { kind: "decided", decision };
  } finally {
    abandoned = true;
    release();
    abort();
  }
}

async function decide(
  request: PipelineRequest,
  { pipeline, store, observe }: StreamDeps,
  context: HandlerContext,
  signal: AbortSignal,
): Promise<Decision> {
  const decision = await pipeline(request, signal);
  await store.record(context, decision);
  request.knownAnswers?.keep(decision);
  observe(decision);
  return decision;
}
