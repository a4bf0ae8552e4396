import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { idempotencyKey } from "../../../services/kit/chain/idempotency-key.js";
import { observe } from "../../../services/kit/chain/observe.js";
import { systemClock } from "../../../services/kit/clock.js";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { replayedHeader } from "../../../services/kit/idempotency/key.js";
import { recordedLog, recordedMetrics } from "../chain/calls.js";
import { ada } from "../tokens/forge.js";
import { callerWith, localMethods, peers, remote } from "./callee.js";

const key = { method: "consciousness.agents.v1.AgentsService/CreateAgent", value: "k-1" };
const principal = { ...ada, permissions: new Set([Permission.AGENT_CREATE, Permission.AGENT_UPDATE]) };
const draft = { agent: { name: "a", agentType: "b" } };
const other = { agent: { ...draft.agent, id: "0190a000-0000-7000-8000-000000000001" } };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

type Handler = (request: unknown, context: HandlerContext) => object;

/** The gateway's client of agents whose methods are all `handler`. */
const places = {
  async "in memory"(handler: Handler) {
    const local = localMethods({ createAgent: handler, updateAgent: handler });
    return peers(Workload.GATEWAY, { local })(AgentsService);
  },
  async "over the wire"(handler: Handler) {
    const exchangeToken = () => ({ token: "internal", expiresIn: 60 });
    const { log } = recordedLog("silent");
    const { metrics } = recordedMetrics();
    const seen = observe({
      workload: Workload.AGENTS,
      log,
      metrics,
      clock: systemClock,
      trustRequestId: true,
    });
    const { address, stop } = await remote({ createAgent: handler, updateAgent: handler, exchangeToken }, [
      seen,
      idempotencyKey,
    ]);
    closers.push(stop);
    return peers(Workload.GATEWAY, { address })(AgentsService);
  },
};

describe.each(Object.entries(places))("an idempotency key %s", (_, agentsWith) => {
  const caller = () => ({ ...callerWith({ principal, idempotencyKey: key }), responseHeader: new Headers() });

  it("goes along with the very call that it was given for", async () => {
    let seen: unknown;
    const agents = await agentsWith((_, context) => {
      seen = callOf(context).idempotencyKey;
      return {};
    });
    await agents.createAgent(draft, caller());
    expect(seen).toEqual(key);
  });

  it("does not go along with another call that the caller makes", async () => {
    let seen: unknown = "nothing";
    const agents = await agentsWith((_, context) => {
      seen = callOf(context).idempotencyKey;
      return {};
    });
    await agents.updateAgent(other, caller());
    expect(seen).toBeUndefined();
  });

  it("lets the caller know that the answer is an earlier one, and only then", async () => {
    let replayed = true;
    const agents = await agentsWith((_, { responseHeader }) => {
      if (replayed) responseHeader.set(replayedHeader, "true");
      return {};
    });
    const [first, second] = [caller(), caller()];
    await agents.createAgent(draft, first);
    replayed = false;
    await agents.createAgent(draft, second);
    expect([first.responseHeader.get(replayedHeader), second.responseHeader.get(replayedHeader)]).toEqual([
      "true",
      null,
    ]);
  });

  it("lets the caller know that an error is an earlier one", async () => {
    const agents = await agentsWith(() => {
      const error = errors.agentNameTaken({ name: "a" });
      error.metadata.set(replayedHeader, "true");
      throw error;
    });
    const error = await agents.createAgent(draft, caller()).catch((thrown: unknown) => thrown);
    if (!(error instanceof ConnectError)) throw new Error("it was not refused");
    expect([error.code, error.metadata.get(replayedHeader)]).toEqual([Code.AlreadyExists, "true"]);
  });
});

describe("a call over the wire that was lost", () => {
  const unavailable = (times: number): Handler => {
    let left = times;
    return () => {
      if (left-- > 0) throw new ConnectError("away", Code.Unavailable);
      return {};
    };
  };

  it("is repeated with a key, since that has no second effect", async () => {
    const agents = await places["over the wire"](unavailable(1));
    await expect(
      agents.createAgent(draft, callerWith({ principal, idempotencyKey: key })),
    ).resolves.toBeDefined();
  });

  it("is not repeated without one", async () => {
    const agents = await places["over the wire"](unavailable(1));
    await expect(agents.createAgent(draft, callerWith({ principal }))).rejects.toThrow("does not answer");
  });
});
