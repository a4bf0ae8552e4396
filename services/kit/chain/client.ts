import { isIP } from "node:net";
import type { Client } from "../context.js";
import { arrivalKey } from "./arrival.js";
import type { Request } from "./next.js";

/** Headers that carry the client between workloads; ignored from outside. */
export const clientAddressHeader = "x-consciousness-client-address";
export const clientAgentHeader = "x-consciousness-client-agent";

/** Longest `user-agent` that is kept, in characters. */
const longestAgent = 256;

/** The client as the edge sees it: the address as it arrived, the program as it names itself. Read when somebody asks. */
export function observedClient(request: Request): Client {
  return new ObservedClient(request);
}

/** The client that a workload tells of; empty where it tells of none. */
export function forwardedClient(request: Request): Client {
  return new ForwardedClient(request);
}

class ObservedClient implements Client {
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
  }

  get address(): string {
    return this.#request.contextValues.get(arrivalKey)?.clientAddress ?? "";
  }

  get agent(): string {
    return cleanAgent(this.#request.header.get("user-agent"));
  }
}

class ForwardedClient implements Client {
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
  }

  get address(): string {
    const address = this.#request.header.get(clientAddressHeader) ?? "";
    return isIP(address) === 0 ? "" : address;
  }

  get agent(): string {
    return cleanAgent(this.#request.header.get(clientAgentHeader));
  }
}

// What a header may hold on its way to the next workload.
function cleanAgent(agent: string | null): string {
  return (agent ?? "")
    .slice(0, longestAgent)
    .replace(/[^\x20-\x7e]/g, "?")
    .trim();
}
