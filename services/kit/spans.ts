import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  type Tracer,
  trace,
} from "@opentelemetry/api";

const scope = "consciousness-engine";

const getter: TextMapGetter<Headers> = {
  keys: (headers) => [...headers.keys()],
  get: (headers, key) => headers.get(key) ?? undefined,
};

const setter: TextMapSetter<Headers> = { set: (headers, key, value) => headers.set(key, value) };

/** The tracer of the platform; does nothing until telemetry has started. */
export function platformTracer(): Tracer {
  return trace.getTracer(scope);
}

const without = new ProxyTracerProvider().getDelegate();

let beginsTraces = true;

/** Says whether this process ever begins a trace of its own; one that never does only follows callers'. */
export function beginTraces(begins: boolean): void {
  beginsTraces = begins;
}

/**
 * Whether a call may be recorded. Following a span through asynchronous code
 * slows every promise of the process, so nobody does it for nothing.
 */
export function isTraced(header: Headers): boolean {
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider && provider.getDelegate() === without) return false;
  return beginsTraces || isSampled(header.get("traceparent")) || trace.getActiveSpan() !== undefined;
}

/** By the flags of `traceparent` (W3C Trace Context, section 3.2.2.5). */
function isSampled(traceparent: string | null): boolean {
  return traceparent !== null && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
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
  if (!span || !isSpanContextValid(span)) return "";
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, "0")}`;
}

/**
 * Runs `fn` within a new span below the active one. A failure marks the span
 * with the error's name alone, as messages may quote what users wrote.
 */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  fn: (span: Span) => T | Promise<T>,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  return platformTracer().startActiveSpan(name, { attributes, kind }, async (span) => {
    try {
      return await fn(span);
    } catch (error) {
      span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
