import { isIP } from "node:net";
import type { StreamRequest, UnaryRequest } from "@connectrpc/connect";
import type { Client } from "../context.js";
import { arrivalKey } from "./arrival.js";

/** Headers that carry the client between workloads; ignored from outside. */
export const clientAddressHeader = "x-consciousness-client-address";
export const clientAgentHeader = "x-consciousness-client-agent";

/** Longest `user-agent` that is kept, in characters. */
const longestAgent = 256;

type Request = UnaryRequest | StreamRequest;

/** The client as the edge sees it: the address as it arrived, the program as it names itself. Read when somebody asks. */
export function observedClient({ contextValues, header }: Request): Client {
  return {
    get address() {
      return contextValues.get(arrivalKey)?.clientAddress ?? "";
    },
    get agent() {
      return cleanAgent(header.get("user-agent"));
    },
  };
}

/** The client that a workload tells of; empty where it tells of none. */
export function forwardedClient({ header }: Request): Client {
  return {
    get address() {
      const address = header.get(clientAddressHeader) ?? "";
      return isIP(address) === 0 ? "" : address;
    },
    get agent() {
      return cleanAgent(header.get(clientAgentHeader));
    },
  };
}

// What a header may hold on its way to the next workload.
function cleanAgent(agent: string | null): string {
  return (agent ?? "")
    .slice(0, longestAgent)
    .replace(/[^\x20-\x7e]/g, "?")
    .trim();
}
