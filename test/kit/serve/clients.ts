import { request as http1Request, type RequestOptions } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import {
  type Listener,
  type ListenOptions,
  listen,
  type RequestHandler,
} from "../../../services/kit/serve/listen.js";

/** A listener on a free local port that answers with the protocol version, and what it reported. */
export async function serve(options: Partial<ListenOptions> = {}) {
  const reported: Error[] = [];
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: answerVersion,
    onSocketError: (error) => void reported.push(error),
    ...options,
  });
  return { listener, reported };
}

export const answerVersion: RequestHandler = (request, response) => {
  response.setHeader("content-type", "text/plain");
  response.end(request.httpVersion);
};

/** A raw connection with everything it has received so far. */
export function rawConnection(listener: Pick<Listener, "port">) {
  const socket: Socket = connectTcp({ host: "127.0.0.1", port: listener.port, noDelay: true });
  let received = "";
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(received)));
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  return { socket, closed, received: () => received };
}

/** One HTTP/1.1 request. */
export function http1(listener: Listener, options: RequestOptions = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const request = http1Request(
        { host: "127.0.0.1", port: listener.port, ...options },
        async (response) => {
          let body = "";
          for await (const chunk of response) body += chunk;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        },
      );
      request.on("error", reject).end();
    },
  );
}

/** An HTTP/2 session in clear text; failures of the session show on its streams. */
export function http2(listener: Listener): ClientHttp2Session {
  return connectHttp2(`http://127.0.0.1:${listener.port}`).on("error", () => undefined);
}

/** One request on a session. */
export function get(session: ClientHttp2Session, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const stream = session.request({ ":path": "/", ...headers });
    let status = 0;
    let body = "";
    stream.on("response", (received) => {
      status = received[":status"] ?? 0;
    });
    stream.on("data", (chunk) => {
      body += chunk;
    });
    stream.on("end", () => resolve({ status, body })).on("error", reject);
  });
}
