import { type RestAnswer, restClient } from "../../support/rest.js";

/** An answer; undefined when the connection was lost before there was one. */
export type Reply = RestAnswer | undefined;

/** Sends a request to one of the gateways. */
export type Send = (method: string, path: string, body?: unknown) => Promise<Reply>;

/** Clients of several gateways, as those behind a load balancer are. */
export interface Clients {
  /** To the gateways in turn, once. */
  readonly send: Send;
  /** The same for calls without a second effect: what was lost with its connection goes to another gateway. */
  readonly repeat: Send;
  /** Calls that went to a second gateway, so far. */
  repeated(): number;
}

/** Makes clients that sign in with `token`. */
export function createClients(gateways: readonly string[], token?: string): Clients {
  const each = gateways.map((url) => restClient(url, token));
  let turn = 0;
  let repeated = 0;
  const sendTo = async (at: number, ...[method, path, body]: Parameters<Send>): Promise<Reply> =>
    each[at % each.length]?.(method, path, body).catch(() => undefined);
  const next = () => {
    turn += 1;
    return turn;
  };
  return {
    send: (...request) => sendTo(next(), ...request),
    async repeat(...request) {
      const first = next();
      const reply = await sendTo(first, ...request);
      if (reply) return reply;
      repeated += 1;
      return sendTo(first + 1, ...request);
    },
    repeated: () => repeated,
  };
}
