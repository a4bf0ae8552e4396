import type { Clock } from "./clock.js";
import { type LogFields, logFieldTypes, stringBound } from "./log-fields.js";
import { maskSecrets } from "./mask-secrets.js";

/** Nothing of it needs escaping in JSON, and of secrets it may hold JSON web tokens alone. */
const plain = /^[A-Za-z0-9_./-]*$/;
const rememberedMessages = 500;

/** One line, before it is text. */
export interface Line {
  readonly level: string;
  readonly service: string;
  readonly correlationId: string;
  readonly message: string;
  readonly fields: LogFields;
  /** Ids of the active span. */
  readonly span: { readonly traceId: string; readonly spanId: string } | undefined;
}

/** Writes lines of plain fields, as pino writes them, for a fifth of its price. */
export function createLineWriter(clock: Clock): (line: Line) => string {
  const timestampOf = createTimestamps();
  const messages = new Map<string, string>();
  const messageOf = (message: string): string => {
    const known = messages.get(message);
    if (known !== undefined) return known;
    const text = JSON.stringify(maskSecrets(message));
    // Messages are constants of the code, but nobody enforces it.
    if (messages.size < rememberedMessages) messages.set(message, text);
    return text;
  };
  return ({ level, service, correlationId, message, fields, span }) => {
    const head = `{"level":"${level}","timestamp":"${timestampOf(clock.now())}","service":${quoted(service)}`;
    const said = `"correlation_id":${quoted(correlationId)},"message":${messageOf(message)}`;
    return `${head},${said},"metadata":{${metadataText(fields, span)}}}\n`;
  };
}

function metadataText(fields: LogFields, span: Line["span"]): string {
  let text = "";
  for (const key of Object.keys(fields)) {
    if (!Object.hasOwn(logFieldTypes, key)) continue;
    const name = key as keyof typeof logFieldTypes;
    const value: unknown = fields[name];
    if (typeof value !== logFieldTypes[name]) continue;
    const shown = typeof value === "string" ? masked(value) : shownScalar(value);
    text += text === "" ? `"${key}":${shown}` : `,"${key}":${shown}`;
  }
  if (!span) return text;
  return `${text === "" ? "" : `${text},`}"trace_id":"${span.traceId}","span_id":"${span.spanId}"`;
}

function shownScalar(value: unknown): string {
  return typeof value === "number" && !Number.isFinite(value) ? "null" : String(value);
}

function masked(value: string): string {
  const text = value.length > stringBound ? value.slice(0, stringBound) : value;
  return plain.test(text) && !text.includes("eyJ") ? `"${text}"` : JSON.stringify(maskSecrets(text));
}

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** ISO 8601, with all but the milliseconds made once for each second. */
function createTimestamps(): (ms: number) => string {
  let second = Number.NaN;
  let prefix = "";
  return (ms) => {
    const current = Math.floor(ms / 1000);
    if (current !== second) {
      second = current;
      prefix = new Date(current * 1000).toISOString().slice(0, -4);
    }
    const rest = Math.floor(ms) - current * 1000;
    return `${prefix}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  };
}
