import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Peer } from "../arrivals.js";
import type { Request } from "../listen.js";

const peers = new WeakMap<object, Peer>();

/** A stream as what is known of arrivals is read from requests: its headers and its connection. */
export function requestOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Request {
  const { session } = stream;
  const socket = session ? peerOf(session as ServerHttp2Session) : {};
  return { headers, stream, socket } as unknown as Request;
}

/** Asking a session for its socket costs more than keeping what it says, which a closed one no longer does. */
function peerOf(session: ServerHttp2Session): Peer {
  const known = peers.get(session);
  if (known) return known;
  const { remoteAddress, clientCertificate }: Peer = session.socket;
  const peer = { remoteAddress, clientCertificate };
  peers.set(session, peer);
  return peer;
}
