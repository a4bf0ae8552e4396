import { trace } from "@opentelemetry/api";
import { type DestinationStream, type LoggerOptions, pino } from "pino";
import { type Clock, systemClock } from "./clock.js";
import { isRedacted, type RedactedFields } from "./contract/data-class.js";
import { errorChain } from "./error-chain.js";
import { type LogFields, permittedFields } from "./log-fields.js";
import { createLineWriter } from "./log-line.js";
import { sinkOf, standardOutput } from "./log-sink.js";
import { maskSecrets } from "./mask-secrets.js";

export type { LogFields } from "./log-fields.js";

const messageBound = 2_000;
const correlationBound = 128;

/** From the most to the least talkative; `silent` writes nothing. */
export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** How much is logged. */
export type LogLevel = (typeof logLevels)[number];

/** What a line says besides its message. */
export interface LogEntry extends LogFields {
  readonly correlationId?: string | undefined;
  /** What was thrown: logged as name, message and stack, with its chain of causes. */
  readonly cause?: unknown;
  /** A message of the contract, from `redactFields`; written at level debug only. */
  readonly fields?: RedactedFields | undefined;
}

type Write = (message: string, entry?: LogEntry) => void;

/** Writes one JSON object per line: timestamp, level, service, correlation_id, message, metadata. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** Whether lines of the level are written, for entries that are dear to make. */
  enabled(level: Exclude<LogLevel, "silent">): boolean;
  /** The same log with a correlation id for every line that has none of its own. */
  child(context: { readonly correlationId: string }): Log;
  /** Waits until every line so far is handed to the operating system, at most two seconds. */
  flush(): Promise<void>;
  /** Writes every line so far before it returns; for the last act of a process. */
  close(): void;
}

/** What a log is made of. */
export interface LogOptions {
  /** The workload whose lines these are. */
  readonly service: string;
  readonly level: LogLevel;
  /** Where lines go; standard output, written asynchronously, by default. */
  readonly destination?: DestinationStream;
  readonly clock?: Clock;
  /** Told of each line that is written, with its level. */
  readonly onLine?: (level: Exclude<LogLevel, "silent">) => void;
  /** Told of each line that is dropped since the reader of the log is too slow. */
  readonly onDropped?: () => void;
}

/** Makes the log of a process. A line never throws and never waits. */
export function createLog(options: LogOptions): Log {
  const { service, level, clock = systemClock, onLine, onDropped } = options;
  const sink = options.destination ? sinkOf(options.destination) : standardOutput(onDropped);
  const logger = pino(pinoOptions(service, level, clock), sink.stream);
  const lineOf = createLineWriter(clock);

  const bind = (correlationId: string): Log => {
    const at =
      (name: Exclude<LogLevel, "silent">): Write =>
      (message, entry = {}) => {
        if (!logger.isLevelEnabled(name)) return;
        onLine?.(name);
        const correlation = (entry.correlationId ?? correlationId).slice(0, correlationBound);
        const said = message.slice(0, messageBound);
        if (entry.cause === undefined && entry.fields === undefined) {
          const span = activeSpan();
          sink.stream.write(
            lineOf({ level: name, service, correlationId: correlation, message: said, fields: entry, span }),
          );
          return;
        }
        logger[name]({
          correlation_id: correlation,
          message: maskSecrets(said),
          metadata: metadataOf(entry, name === "debug"),
        });
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      enabled: (name) => logger.isLevelEnabled(name),
      child: (context) => bind(context.correlationId),
      flush: sink.flush,
      close: sink.close,
    };
  };
  return bind("");
}

function pinoOptions(service: string, level: LogLevel, clock: Clock): LoggerOptions {
  return {
    level,
    base: { service },
    timestamp: () => `,"timestamp":"${new Date(clock.now()).toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
}

function activeSpan() {
  return trace.getActiveSpan()?.spanContext();
}

function metadataOf(entry: LogEntry, withFields: boolean): Record<string, unknown> {
  const metadata = permittedFields(entry);
  const span = activeSpan();
  if (span) Object.assign(metadata, { trace_id: span.traceId, span_id: span.spanId });
  if (withFields && isRedacted(entry.fields)) metadata.fields = entry.fields;
  return entry.cause === undefined ? metadata : Object.assign(metadata, causeFields(entry.cause));
}

function causeFields(cause: unknown): Record<string, unknown> {
  const [error, ...causes] = errorChain(cause);
  return {
    error_name: error?.name,
    error_message: error?.message,
    error_code: error?.code,
    error_stack: error?.stack,
    ...(causes.length > 0 && { error_causes: causes }),
  };
}
