import { describe, expect, it } from "vitest";
import { clientAddressHeader, clientAgentHeader } from "../../../services/kit/chain/client.js";
import { beginCall } from "../../../services/kit/chain/identify.js";
import type { Client } from "../../../services/kit/context.js";
import { getAgent, type RequestInit, requestOf } from "./calls.js";

function clientOf(init: RequestInit, fromWorkload: boolean): Client {
  const { client } = beginCall(requestOf(getAgent, { ...init, call: undefined }), fromWorkload);
  return { address: client?.address ?? "absent", agent: client?.agent ?? "absent" };
}

const told = { [clientAddressHeader]: "203.0.113.9", [clientAgentHeader]: "told" };

describe("the client of a call", () => {
  it("is who arrived at the edge, and its program as that names itself", () => {
    const header = { "user-agent": "probe/1.0" };
    const arrival = { clientAddress: "192.0.2.1" };
    expect(clientOf({ header, arrival }, false)).toEqual({ address: "192.0.2.1", agent: "probe/1.0" });
  });

  it("is not what somebody outside tells in our headers", () => {
    const arrival = { clientAddress: "192.0.2.1" };
    expect(clientOf({ header: told, arrival }, false)).toEqual({ address: "192.0.2.1", agent: "" });
  });

  it("is what a workload tells of it, and not the workload", () => {
    const header = { ...told, "user-agent": "workload" };
    const arrival = { clientAddress: "10.0.0.1" };
    expect(clientOf({ header, arrival }, true)).toEqual({ address: "203.0.113.9", agent: "told" });
  });

  it("is unknown when a workload tells of none, or of what is no address", () => {
    expect(clientOf({}, true)).toEqual({ address: "", agent: "" });
    const header = { [clientAddressHeader]: "203.0.113.9, 1.1.1.1" };
    expect(clientOf({ header }, true)).toEqual({ address: "", agent: "" });
  });

  it("names a program by 256 visible characters at most", () => {
    const header = { "user-agent": `a\tb\u00e9${"x".repeat(300)}` };
    const { agent } = clientOf({ header }, false);
    expect(agent).toHaveLength(256);
    expect(agent).toMatch(/^a\?b\?x+$/);
  });
});
