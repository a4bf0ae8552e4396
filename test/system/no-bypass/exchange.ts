import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:http2";
import { buffer } from "node:stream/consumers";

/** What is sent. */
export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What came back, to the last byte. */
export interface Received {
  readonly status: number;
  /** Trailers among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Everything: over HTTP/1.1 the bytes of the socket, over HTTP/2 headers and trailers as decoded, and data. */
  readonly bytes: Buffer;
}

/** Posts over HTTP/1.1, on a connection of its own. */
export function postOverHttp1(url: string, { path, headers, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const request = httpRequest(`${url}${path}`, { method: "POST", agent: false, headers });
    request.once("error", reject);
    request.once("socket", (socket) => socket.on("data", (piece: Buffer) => pieces.push(piece)));
    request.once("response", (response) => {
      buffer(response).then((content) => {
        const all = { ...response.headers, ...response.trailers };
        resolve({
          status: response.statusCode ?? 0,
          headers: texts(all),
          body: content,
          bytes: Buffer.concat(pieces),
        });
      }, reject);
    });
    request.end(body);
  });
}

/** Posts over HTTP/2 without TLS, on a connection of its own. */
export function postOverHttp2(url: string, { path, headers, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const session = connect(url);
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    let all: Record<string, string> = {};
    session.once("error", reject);
    stream.once("error", reject);
    stream.once("response", (head) => {
      all = texts(head as IncomingHttpHeaders);
    });
    stream.once("trailers", (trailers) => {
      all = { ...all, ...texts(trailers as IncomingHttpHeaders) };
    });
    buffer(stream).then((content) => {
      session.close();
      const bytes = Buffer.concat([Buffer.from(JSON.stringify(all)), content]);
      resolve({ status: Number(all[":status"]), headers: all, body: content, bytes });
    }, reject);
    stream.end(body);
  });
}

function texts(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
