import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, createContextValues } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  AgentDeletedSchema,
  AgentUnsharedSchema,
  AgentUpdatedSchema,
} from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { GetAgentResponseSchema } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type KnownAgents, knownAgents } from "../../services/engine/known-agents.js";
import { systemClock } from "../../services/kit/clock.js";
import { type Caller, callKey, type Principal } from "../../services/kit/context.js";
import { errors } from "../../services/kit/errors.js";
import { toMessage } from "../../services/kit/events/cloud-event.js";
import { newId } from "../../services/kit/ids.js";
import { memoryBus } from "../../services/kit/stores/bus/memory.js";
import type { Bus } from "../../services/kit/stores/bus/port.js";
import { memoryCache } from "../../services/kit/stores/cache/memory.js";
import type { Cache } from "../../services/kit/stores/cache/port.js";
import { callWith, expectRefusal, recordedLog, recordedMetrics } from "../kit/chain/calls.js";
import { ada } from "../kit/tokens/forge.js";

const id = newId();
const noDatabase = {} as Kysely<unknown>;

function callerOf(principal: Principal = ada, signal = new AbortController().signal): Caller {
  return { values: createContextValues().set(callKey, callWith({ principal })), signal };
}

describe("an agent that the engine reads", () => {
  let cache: Cache;
  let bus: Bus;
  let names: string[];
  let asked: string[];
  let goOn: () => void;
  const { metrics, matching } = recordedMetrics();
  const started: KnownAgents[] = [];

  beforeEach(() => {
    cache = memoryCache({ clock: systemClock });
    bus = memoryBus();
    names = ["first"];
    asked = [];
    goOn = () => {};
  });
  afterEach(async () => {
    for (const one of started.splice(0)) await one.stop();
    await bus.close();
  });

  const start = async ({ hears = true, slow = false } = {}) => {
    const { log } = recordedLog("silent");
    const agents = {
      async getAgent(_: unknown, caller: Caller) {
        asked.push(caller.values.get(callKey)?.principal?.subject ?? "");
        if (slow) {
          await new Promise<void>((resolve, reject) => {
            goOn = resolve;
            caller.signal.addEventListener("abort", () => reject(new Error("cancelled")));
          });
        }
        const [name] = names;
        if (name === undefined) throw errors.agentNotFound({ id });
        return create(GetAgentResponseSchema, { agent: create(AgentSchema, { id, name }) });
      },
    };
    const platform = { cache, bus, hears: () => hears, metrics, log, clock: systemClock };
    const known = await knownAgents({ agents, platform, db: noDatabase });
    started.push(known);
    return async (principal?: Principal, signal?: AbortSignal) =>
      (await known.read(id, callerOf(principal, signal)))?.name;
  };
  /** Resolves when every consumer has settled the event. */
  const publish = <D extends DescMessage>(schema: D, message: MessageShape<D>) => {
    expect(toBinary(schema, message)).toBeDefined();
    const event = { id: newId(), tenantId: ada.tenant, aggregateType: "agent", aggregateId: id, version: 2n };
    const payload = anyPack(schema, message);
    const time = { seconds: 1n, nanos: 0 };
    return bus.publish([toMessage(create(EventSchema, { ...event, payload, time }), "agents")]);
  };

  it("is asked for once", async () => {
    const read = await start();
    expect([await read(), await read()]).toEqual(["first", "first"]);
    expect(asked).toHaveLength(1);
    const [counted] = await matching('cache_reads_total{cache="agents",outcome="hit"');
    expect(counted).toBeDefined();
  });

  it("is asked for once by all who want it at the same time, whoever leaves", async () => {
    const read = await start({ slow: true });
    const leaving = new AbortController();
    const both = [read(ada, leaving.signal), read()];
    await expect.poll(() => asked.length).toBe(1);
    leaving.abort();
    goOn();
    expect(await both[1]).toBe("first");
    expect(asked).toHaveLength(1);
  });

  it("is another after the event of its change, on every replica", async () => {
    const replicas = [await start(), await start()];
    for (const read of replicas) expect(await read()).toBe("first");
    names = ["second"];
    for (const read of replicas) expect(await read()).toBe("first");
    await publish(AgentUpdatedSchema, create(AgentUpdatedSchema));
    for (const read of replicas) expect(await read()).toBe("second");
  });

  it("is gone after the event of its deletion", async () => {
    const read = await start();
    expect(await read()).toBe("first");
    names = [];
    await publish(AgentDeletedSchema, create(AgentDeletedSchema, { agentId: id }));
    await expectRefusal(read(), Code.NotFound, "AGENT_NOT_FOUND");
  });

  it("is gone for whom it was shared with after the event of the withdrawal", async () => {
    const read = await start();
    expect(await read()).toBe("first");
    names = [];
    const message = create(AgentUnsharedSchema, { agentId: id, subject: ada.subject });
    await publish(AgentUnsharedSchema, message);
    await expectRefusal(read(), Code.NotFound, "AGENT_NOT_FOUND");
  });

  it("is not known any more to who knew it as an administrator and is none", async () => {
    const read = await start();
    const permissions = new Set([...ada.permissions, Permission.AGENT_ADMIN]);
    expect(await read({ ...ada, permissions })).toBe("first");
    names = [];
    await expectRefusal(read(), Code.NotFound, "AGENT_NOT_FOUND");
  });

  it("is not kept when its reading began before the change", async () => {
    const read = await start({ slow: true });
    const before = read();
    await expect.poll(() => asked.length).toBe(1);
    await publish(AgentUpdatedSchema, create(AgentUpdatedSchema));
    goOn();
    expect(await before).toBe("first");
    names = ["second"];
    const after = read();
    await expect.poll(() => asked.length).toBe(2);
    goOn();
    expect(await after).toBe("second");
  });

  it.each([
    ["subject", { ...ada, subject: "u2" }],
    ["tenant", { ...ada, tenant: "t2" }],
    ["kind", { ...ada, kind: "machine" as const }],
  ])("is asked for anew for another %s", async (_, other) => {
    const read = await start();
    await read();
    await read(other);
    expect(asked).toEqual([ada.subject, other.subject]);
  });

  it("is asked for whenever the caller may not read agents, for agents to refuse", async () => {
    const read = await start();
    await read();
    await read({ ...ada, permissions: new Set([Permission.CONSCIOUSNESS_WRITE]) });
    expect(asked).toHaveLength(2);
  });

  it("is asked for each time where no event of agents arrives", async () => {
    const read = await start({ hears: false });
    await read();
    await read();
    expect(asked).toHaveLength(2);
  });
});
