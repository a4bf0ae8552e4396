import { maskSecrets } from "./mask-secrets.js";

const depthBound = 5;
const messageBound = 1_000;
const stackBound = 4_000;

/** One error of a chain of causes, safe to log. */
export interface LoggedError {
  readonly name: string;
  readonly message: string;
  /** Code of the system or the database, such as `ECONNREFUSED`; absent when the error has none. */
  readonly code?: string;
  /** Frames alone, without the message. */
  readonly stack?: string;
}

/**
 * An error and its causes, outermost first: at most five, name, message, code
 * and stack only, with bounded lengths and masked secrets. Fields that others
 * hang on errors (requests, rows, response bodies) stay out.
 */
export function errorChain(thrown: unknown): LoggedError[] {
  const chain: LoggedError[] = [];
  const seen = new Set<unknown>();
  const open = [thrown];
  for (let error = open.shift(); error !== undefined && chain.length < depthBound; error = open.shift()) {
    if (seen.has(error)) continue;
    seen.add(error);
    // A getter of a foreign error may throw, and logging never fails.
    try {
      chain.push(describe(error));
      open.push(...causesOf(error));
    } catch {
      chain.push({ name: "UnreadableError", message: "the error threw when it was read" });
    }
  }
  return chain;
}

function causesOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return [];
  const parts: unknown[] = error instanceof AggregateError ? error.errors.slice(0, depthBound) : [];
  return error.cause === undefined ? parts : [error.cause, ...parts];
}

function describe(error: unknown): LoggedError {
  if (!(error instanceof Error))
    return { name: "NotAnError", message: `a value of type ${typeof error} was thrown` };
  const message = String(error.message);
  const code = codeOf(error);
  const stack = framesOf(error, message);
  return {
    name: maskSecrets(String(error.name).slice(0, 100)),
    message: maskSecrets(withoutQuotedInput(message).slice(0, messageBound)),
    ...(code && { code }),
    ...(stack && { stack }),
  };
}

function codeOf(error: Error): string | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && /^\w{1,64}$/.test(code) ? code : undefined;
}

/** A stack starts with name and message, and a message may hold anything. */
function framesOf(error: Error, message: string): string {
  const stack = String(error.stack ?? "").slice(0, stackBound + message.length + 100);
  const at = stack.indexOf(message);
  const frames = (at < 0 ? stack : stack.slice(at + message.length)).split("\n");
  const lines = frames.map((line) => line.trim()).filter((line) => line.startsWith("at "));
  return maskSecrets(lines.join("\n").slice(0, stackBound));
}

/** V8 quotes the text that `JSON.parse` could not read, which is somebody's request. */
function withoutQuotedInput(message: string): string {
  const quote = message.indexOf('"');
  const quotesInput = message.endsWith(" is not valid JSON") && quote >= 0;
  return quotesInput ? `${message.slice(0, quote)}[input] is not valid JSON` : message;
}
