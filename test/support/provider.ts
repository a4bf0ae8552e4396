import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What a provider was asked. */
export interface ProviderRequest {
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into requests of any shape.
  readonly body: any;
}

/** How a provider answers one request. */
export type ProviderAnswer = (request: ProviderRequest, response: ServerResponse) => void;

const usage = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 };

/** Says it, at once or in pieces as the request asks for. */
export function says(content: string, pieceLength = 8): ProviderAnswer {
  return ({ body }, response) => {
    if (!body.stream) {
      sendJson(response, completionOf({ role: "assistant", content }));
      return;
    }
    startEvents(response);
    for (const piece of piecesOf(content, pieceLength)) sendChunk(response, { content: piece });
    endEvents(response);
  };
}

/** Calls a function of the client's. */
export function calls(name: string, args: string): ProviderAnswer {
  const call = { id: "call_1", type: "function", function: { name, arguments: args } };
  return ({ body }, response) => {
    if (!body.stream) {
      sendJson(
        response,
        completionOf({ role: "assistant", content: null, tool_calls: [call] }, "tool_calls"),
      );
      return;
    }
    startEvents(response);
    sendChunk(response, { tool_calls: [{ ...call, index: 0, function: { name, arguments: "" } }] });
    for (const piece of piecesOf(args, 8))
      sendChunk(response, { tool_calls: [{ index: 0, function: { arguments: piece } }] });
    endEvents(response, "tool_calls");
  };
}

/** Refuses with a status, and a text that nobody may see. */
export function fails(status: number): ProviderAnswer {
  return (_, response) => void response.writeHead(status).end("private text of the provider");
}

/** Says nothing, ever. */
export const isSilent: ProviderAnswer = () => undefined;

/** Begins an answer and never goes on. */
export const stalls: ProviderAnswer = ({ body }, response) => {
  if (body.stream) {
    startEvents(response);
    sendChunk(response, { content: "At no" });
  } else response.writeHead(200, { "content-type": "application/json" }).write('{"choices": [');
};

/** Breaks the connection in the middle of its answer. */
export const isCut: ProviderAnswer = ({ body }, response) => {
  if (body.stream) {
    startEvents(response);
    sendChunk(response, { content: "At no" });
    // Once that has left.
    setImmediate(() => response.destroy());
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
  response.write('{"choices": [', () => response.destroy());
};

/** Streams all of it, and breaks the connection instead of ending the stream. */
export function saysAndBreaksOff(content: string): ProviderAnswer {
  return (_, response) => {
    startEvents(response);
    for (const piece of piecesOf(content, 50)) sendChunk(response, { content: piece });
    response.write("\n", () => response.destroy());
  };
}

/** Ends its stream in order, before the answer's end. */
export const endsEarly: ProviderAnswer = (_, response) => {
  startEvents(response);
  sendChunk(response, { content: "At no" });
  response.end();
};

/** Says to send JSON and sends something else. */
export const lies: ProviderAnswer = (_, response) =>
  void response.writeHead(200, { "content-type": "application/json" }).end("<html>welcome</html>");

/** Sends a page instead of an answer, and says so. */
export const sendsPage: ProviderAnswer = (_, response) =>
  void response.writeHead(200, { "content-type": "text/html" }).end("<html>welcome</html>");

/** Answers with as many bytes as asked, in pieces, until nobody reads on. */
export function sendsBytes(bytes: number): ProviderAnswer {
  return ({ body }, response) => {
    const piece = "x".repeat(65_536);
    let left = bytes;
    if (body.stream) startEvents(response);
    else response.writeHead(200, { "content-type": "application/json" });
    response.write(body.stream ? ": filler\n\n" : '{"choices": [{"message": {"content": "');
    const more = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length;
        const flowing = body.stream ? sendChunk(response, { content: piece }) : response.write(piece);
        if (!flowing) return void response.once("drain", more);
      }
      if (body.stream) endEvents(response);
      else response.end('"}, "finish_reason": "stop"}]}');
    };
    more();
  };
}

/** An OpenAI-compatible server that answers when it is told to, or at once as `answerWith` says. */
export async function startProvider() {
  const waiting: ServerResponse[] = [];
  const requests: ProviderRequest[] = [];
  let heard = () => {};
  let departures = 0;
  let answers: ProviderAnswer[] = [];
  const server = createServer(async (request, response) => {
    response.once("close", () => {
      if (!response.writableEnded) departures += 1;
    });
    const asked = { url: request.url, headers: request.headers, body: JSON.parse(await text(request)) };
    requests.push(asked);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer) return answer(asked, response);
    waiting.push(response);
    heard();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: () => requests.length,
    /** What it was asked, in order. */
    heard: requests as readonly ProviderRequest[],
    /** How many of its answers nobody waited for. */
    departures: () => departures,
    /** Answers each request in turn, the last answer again and again; without any, it waits for `asked`. */
    answerWith(...given: ProviderAnswer[]) {
      answers = given;
    },
    /** Resolves when it is asked, with how to answer. */
    async asked() {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      const response = waiting.shift();
      return (content: string) =>
        response && sendJson(response, completionOf({ role: "assistant", content }));
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A started stand-in. */
export type StandIn = Awaited<ReturnType<typeof startProvider>>;

function completionOf(message: object, finish_reason = "stop") {
  return { object: "chat.completion", choices: [{ index: 0, message, finish_reason }], usage };
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function startEvents(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
}

function sendChunk(response: ServerResponse, delta: object): boolean {
  const choices = [{ index: 0, delta, finish_reason: null }];
  return response.write(`data: ${JSON.stringify({ object: "chat.completion.chunk", choices })}\n\n`);
}

function endEvents(response: ServerResponse, finish_reason = "stop"): void {
  const last = { choices: [{ index: 0, delta: {}, finish_reason }] };
  response.write(`data: ${JSON.stringify(last)}\n\ndata: ${JSON.stringify({ choices: [], usage })}\n\n`);
  response.end("data: [DONE]\n\n");
}

function piecesOf(content: string, length: number): string[] {
  const count = Math.ceil(content.length / length);
  return Array.from({ length: count }, (_, at) => content.slice(at * length, (at + 1) * length));
}
