import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";

const scope = "consciousness-engine";

const getter: TextMapGetter<Headers> = {
  keys: (headers) => [...headers.keys()],
  get: (headers, key) => headers.get(key) ?? undefined,
};

const setter: TextMapSetter<Headers> = { set: (headers, key, value) => headers.set(key, value) };

/** Which traces a process records: none, those that callers record, or such as it begins besides. */
export type Recording = "none" | "callers" | "own";

let recording: Recording = "none";

/** Says which traces this process records from now on. */
export function record(which: Recording): void {
  recording = which;
}

/** The tracer of the platform; does nothing until telemetry has started. */
export function platformTracer(): Tracer {
  return trace.getTracer(scope);
}

/**
 * Whether a call with this `traceparent` may be recorded. Following a span
 * through asynchronous code slows every promise of the process, so nobody does
 * it for nothing.
 */
export function mayRecord(traceparent: () => string | null): boolean {
  if (recording !== "callers") return recording === "own";
  return recordedSpan() !== undefined || isSampled(traceparent());
}

/** By the flags of `traceparent` (W3C Trace Context, section 3.2.2.5). */
function isSampled(traceparent: string | null): boolean {
  return traceparent !== null && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
}

/** The active span, when it is recorded. */
export function recordedSpan(): Span | undefined {
  if (recording === "none") return undefined;
  const span = trace.getActiveSpan();
  return span?.isRecording() ? span : undefined;
}

/** The active context with the remote span that `traceparent` and `tracestate` name. */
export function extractContext(headers: Headers): Context {
  return propagation.extract(context.active(), headers, getter);
}

/** Writes the context's span as `traceparent` and `tracestate`; nothing when there is none. */
export function injectContext(headers: Headers, from: Context = context.active()): void {
  propagation.inject(from, headers, setter);
}

/** The active span as `traceparent` (W3C Trace Context, section 3.2); empty when there is none. */
export function traceParent(): string {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? asTraceParent(span) : "";
}

function asTraceParent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** A span that has begun, or the `traceparent` by which others learn that nobody records the trace. */
export type Begun =
  | { readonly recorded: true; readonly span: Span; readonly context: Context }
  | { readonly recorded: false; readonly traceParent: string };

/** Begins a span below that of `parent`, if the trace is recorded. */
export function begin(name: string, options: SpanOptions, parent: Context): Begun {
  const span = platformTracer().startSpan(name, options, parent);
  if (!span.isRecording()) return { recorded: false, traceParent: asTraceParent(span.spanContext()) };
  return { recorded: true, span, context: trace.setSpan(parent, span) };
}

/**
 * Runs `fn` within a new span below the active one; without a new span where
 * the active one is not recorded, as a part alone tells little. A failure marks the
 * span with the error's name, never its message, which may quote what users wrote.
 */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  fn: () => T | Promise<T>,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  if (!recordedSpan()) return fn();
  return runIn(begin(name, { attributes, kind }, context.active()), fn);
}

/** Runs `fn` within a new span of the trace that the message's `traceparent` names, or of a trace of its own. */
export async function inConsumerSpan<T>(
  name: string,
  { attributes, traceparent }: { readonly attributes: Attributes; readonly traceparent: string },
  fn: () => T | Promise<T>,
): Promise<T> {
  if (!mayRecord(() => traceparent)) return fn();
  const parent = extractContext(new Headers(traceparent === "" ? {} : { traceparent }));
  return runIn(begin(name, { attributes, kind: SpanKind.CONSUMER }, parent), fn);
}

function runIn<T>(begun: Begun, fn: () => T | Promise<T>): T | Promise<T> {
  if (!begun.recorded) return fn();
  const { span } = begun;
  return context.with(begun.context, async () => {
    try {
      return await fn();
    } catch (error) {
      span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Ids of the trace that is recorded now, for exemplars. */
export function recordedTrace(): { readonly traceId: string; readonly spanId: string } | undefined {
  if (recording === "none") return undefined;
  const span = trace.getActiveSpan()?.spanContext();
  return span && (span.traceFlags & TraceFlags.SAMPLED) !== 0 && !span.isRemote ? span : undefined;
}
