import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import type { ProviderAnswer } from "../support/provider.js";

/** An answer of the provider's that comes word by word, as the test says. */
export interface SlowAnswer {
  readonly answer: ProviderAnswer;
  readonly tokens: readonly string[];
  /** Resolves when the provider has been asked. */
  readonly begun: Promise<void>;
  /** Resolves when the word has left the provider. */
  write(token: string): Promise<void>;
  end(): void;
}

/** The provider answers with this text, a word each time. */
export function slowly(content: string): SlowAnswer {
  let response: ServerResponse;
  let begin: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  return {
    begun,
    tokens: content.split(/(?<= )/),
    answer: (_, given) => {
      response = given;
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"choices":[{"index":0,"message":{"role":"assistant","content":"', () => begin());
    },
    write: (token) => new Promise((resolve) => response.write(token, () => resolve())),
    end: () => void response.end('"},"finish_reason":"stop"}]}'),
  };
}

/** Posts JSON over a bare socket, and keeps every byte that comes back. */
export function rawAnswer({
  url,
  path,
  token,
  body,
}: {
  readonly url: string;
  readonly path: string;
  readonly token: string;
  readonly body: object;
}) {
  const { hostname, port } = new URL(url);
  const json = JSON.stringify(body);
  const socket = connect(Number(port), hostname);
  const received: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => received.push(bytes));
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${hostname}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
    "accept: text/event-stream",
    `content-length: ${Buffer.byteLength(json)}`,
    "connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${json}`);
  return {
    bytes: () => received.reduce((sum, { length }) => sum + length, 0),
    /** What came behind the head so far, without the framing of chunks, by event. */
    events: () => {
      const [, ...framed] = Buffer.concat(received).toString().split("\r\n\r\n");
      const lines = framed.join("\r\n\r\n").split("\r\n");
      const text = lines.filter((line) => !/^[0-9a-f]*$/.test(line)).join("");
      return text.split("\n\n").filter((event) => event !== "");
    },
    ended: once(socket, "close").then(() => undefined),
  };
}
