import type { Readable, Writable } from "node:stream";

/** A message of the DevTools protocol. */
export interface DevtoolsEvent {
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: events have any shape.
  readonly params: any;
}

/** The DevTools protocol over a browser's pipe: JSON documents, each ended by a zero byte. */
export interface Devtools {
  /** Rejects with the browser's message. */
  // biome-ignore lint/suspicious/noExplicitAny: results have any shape.
  send(method: string, params?: object, sessionId?: string): Promise<any>;
  /** Every event so far. */
  readonly events: readonly DevtoolsEvent[];
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Speaks to a browser that was started with `--remote-debugging-pipe`. */
export function devtoolsOver(toBrowser: Writable, fromBrowser: Readable): Devtools {
  const waiting = new Map<number, Waiting>();
  const events: DevtoolsEvent[] = [];
  let last = 0;
  let buffered = "";
  const receive = (text: string) => {
    const message = JSON.parse(text);
    if (message.id === undefined) events.push(message);
    else if (message.error) waiting.get(message.id)?.reject(new Error(message.error.message));
    else waiting.get(message.id)?.resolve(message.result);
    waiting.delete(message.id);
  };
  fromBrowser.setEncoding("utf8").on("data", (chunk: string) => {
    const texts = (buffered + chunk).split("\0");
    buffered = texts.pop() ?? "";
    for (const text of texts) receive(text);
  });
  return {
    events,
    send(method, params = {}, sessionId) {
      const id = ++last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        toBrowser.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
      });
    },
  };
}
