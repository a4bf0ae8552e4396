import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Request, Response } from "./listen.js";

const defaultLingerMs = 2_000;

/**
 * Lets an answer that is ready before its request has arrived reach the client: what is left of the
 * body is taken in and thrown away, for at most `lingerMs`. Left alone, a client that is still sending
 * would wait for room to send more, and over HTTP/1.1 the connection's next request would wait with it.
 */
export function takeInUnread(request: Request, response: Response, lingerMs = defaultLingerMs): void {
  if ("stream" in response) resetAfterEnd(request as Http2ServerRequest, response, lingerMs);
  else closeAfterBody(request as IncomingMessage, response, lingerMs);
}

/** The stream's reset takes nothing else along, so the answer need not wait. */
function resetAfterEnd(request: Http2ServerRequest, response: Http2ServerResponse, lingerMs: number): void {
  const { end } = response;
  Object.assign(response, {
    end(...args: unknown[]) {
      const ended = Reflect.apply(end, response, args);
      if (request.complete || response.stream.destroyed) return ended;
      const timer = setTimeout(() => response.stream.close(constants.NGHTTP2_NO_ERROR), lingerMs);
      response.stream.once("close", () => clearTimeout(timer)).resume();
      return ended;
    },
  });
}

/** Closed at once, the connection would be reset, and a client that still sends would lose the answer. */
function closeAfterBody(request: IncomingMessage, response: ServerResponse, lingerMs: number): void {
  const { writeHead, end } = response;
  keepReadable(request);
  Object.assign(response, {
    writeHead(...args: unknown[]) {
      if (!request.complete) response.setHeader("connection", "close");
      return Reflect.apply(writeHead, response, args);
    },
    end(...args: unknown[]) {
      response.end = end;
      if (request.complete || request.destroyed) return Reflect.apply(end, response, args);
      const [chunk] = args;
      if (typeof chunk === "string" || chunk instanceof Uint8Array) response.write(chunk);
      const finish = () => {
        clearTimeout(timer);
        request.off("end", finish).off("close", finish);
        response.end();
      };
      const timer = setTimeout(finish, lingerMs);
      request.removeAllListeners("readable");
      request.once("end", finish).once("close", finish).resume();
      return response;
    },
  });
}

/**
 * Who leaves a loop over a request early destroys it, and nobody could take in the rest then. Node
 * itself destroys it after its socket alone.
 */
function keepReadable(request: IncomingMessage): void {
  const { socket, destroy } = request;
  Object.assign(request, {
    destroy(...args: unknown[]) {
      if (request.complete || socket.destroyed) return Reflect.apply(destroy, request, args);
      // Node parts a request from its socket before it destroys it.
      request.socket = socket;
      return request;
    },
  });
}
