import type { Message } from "@bufbuild/protobuf";
import type { ContentPlan } from "./content.js";
import type { RestRequest } from "./exchange.js";
import type { Problem } from "./problem.js";

/** How messages, and the error that ends them, are written one after another. */
export interface StreamFormat {
  /** Of the whole response; the first message is absent when there is none yet. */
  contentType(first: Message | undefined): string;
  message(message: Message): string | Uint8Array;
  /** Absent where an error has no place among the messages. */
  readonly error?: (problem: Problem) => string;
  /** Says nothing, and that somebody is there. */
  readonly keepAlive?: string;
}

const eventStream = "text/event-stream";
const ndjson = "application/x-ndjson";

/**
 * Plans in which formats a method's stream can be written: the bytes of
 * `google.api.HttpBody` as they are, else events for who asks for them
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html), else one
 * line of JSON for each message.
 */
export function planFormats(content: ContentPlan): (request: RestRequest) => StreamFormat {
  if (content.raw) {
    const raw = rawFormat(content);
    return () => raw;
  }
  const formats = { events: eventFormat(content), lines: lineFormat(content) };
  return ({ headers }) => (prefersEvents(headers.accept ?? "") ? formats.events : formats.lines);
}

/** Whether events are asked for by name, and lines not more. */
function prefersEvents(accept: string): boolean {
  const events = quality(accept, eventStream);
  return events > 0 && events >= quality(accept, ndjson);
}

/** The weight that an `Accept` header gives to a type by name; 0 when it does not name it. */
function quality(accept: string, type: string): number {
  for (const range of accept.toLowerCase().split(",")) {
    const [name, ...parameters] = range.split(";").map((part) => part.trim());
    if (name !== type) continue;
    const given = parameters.find((parameter) => parameter.startsWith("q="));
    return given === undefined ? 1 : Number(given.slice(2)) || 0;
  }
  return 0;
}

function lineFormat({ of }: ContentPlan): StreamFormat {
  return {
    contentType: () => ndjson,
    message: (message) => `${of(message).body}\n`,
    error: (problem) => `${JSON.stringify({ error: problem })}\n`,
  };
}

function eventFormat({ of }: ContentPlan): StreamFormat {
  const event = (type: string, data: string) => `event: ${type}\ndata: ${data}\n\n`;
  return {
    contentType: () => eventStream,
    message: (message) => event("message", String(of(message).body)),
    error: (problem) => event("error", JSON.stringify(problem)),
    keepAlive: ": keep-alive\n\n",
  };
}

function rawFormat({ of }: ContentPlan): StreamFormat {
  return {
    contentType: (first) => (first ? of(first).type : "application/octet-stream"),
    message: (message) => of(message).body,
  };
}
