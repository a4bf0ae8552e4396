import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An OpenAI-compatible server that answers when it is told to. */
export async function startProvider() {
  const waiting: ServerResponse[] = [];
  let heard = () => {};
  let count = 0;
  const server = createServer((request, response) => {
    request.resume();
    count += 1;
    waiting.push(response);
    heard();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: () => count,
    /** Resolves when it is asked, with how to answer. */
    async asked() {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      const response = waiting.shift();
      return (content: string) => response?.end(JSON.stringify({ choices: [{ message: { content } }] }));
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
