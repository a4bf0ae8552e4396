import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it, onTestFinished } from "vitest";
import { AuthService, GetJwksResponseSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { clearByEvents, isKept, keepAnswers } from "../../../services/gateway/edge/kept-answers.js";
import { callOf } from "../../../services/kit/context.js";
import { resolveContract } from "../../../services/kit/contract/method.js";
import { errors } from "../../../services/kit/errors.js";
import { toMessage } from "../../../services/kit/events/cloud-event.js";
import { newId } from "../../../services/kit/ids.js";
import { memoryBus } from "../../../services/kit/stores/bus/memory.js";
import { memoryCache } from "../../../services/kit/stores/cache/memory.js";
import { reporting } from "../../kit/events/events.js";
import { send, startEdge } from "./browser.js";

const { methods } = resolveContract([AuthService]);
const getJwks = methods.get(AuthService.method.getJwks)!;

function edge(answer: (call: number) => Promise<string> = async (call) => `key ${call}`) {
  let time = 1_000_000;
  const clock = { now: () => time, monotonic: () => time };
  const { log, metrics } = reporting();
  const options = { cache: memoryCache({ clock }), bus: memoryBus(), log, metrics, clock };
  let calls = 0;
  const handler = keepAnswers(
    getJwks,
    async (_, caller) => {
      expect(callOf(caller).deadline).toBe(time + 5000);
      calls += 1;
      return create(GetJwksResponseSchema, { keys: [{ kid: await answer(calls) }] });
    },
    options,
  );
  const ask = async () => {
    const responseHeader = new Headers();
    const reply = await handler(create(AuthService.method.getJwks.input), { responseHeader } as never);
    return {
      kid: (reply as never as { keys: { kid: string }[] }).keys[0]?.kid,
      age: responseHeader.get("age"),
    };
  };
  const publish = (aggregateType: string) => {
    const event = create(EventSchema, {
      id: newId(),
      tenantId: "default",
      aggregateType,
      aggregateId: "1",
      version: 1n,
      time: timestampFromMs(time),
      payload: { typeUrl: "type.googleapis.com/consciousness.auth.v1.Anything" },
    });
    return options.bus.publish([toMessage(event, "auth")]);
  };
  const advance = (ms: number) => {
    time += ms;
  };
  return { ask, publish, advance, options };
}

describe("answers of a public method", () => {
  it("are kept as long as its policy says, and tell their age", async () => {
    const { ask, advance } = edge();
    expect(await ask()).toEqual({ kid: "key 1", age: null });
    advance(299_000);
    expect(await ask()).toEqual({ kid: "key 1", age: "299" });
    advance(2_000);
    expect(await ask()).toEqual({ kid: "key 2", age: null });
  });

  it("are fetched once for all who ask at once", async () => {
    const { ask } = edge();
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ kid }) => kid)).toEqual(["key 1", "key 1", "key 1"]);
  });

  it("are not kept when there is none", async () => {
    const { ask } = edge(async (call) => {
      if (call === 1) throw errors.dependencyUnavailable({ dependency: "auth" });
      return `key ${call}`;
    });
    await expect(ask()).rejects.toThrow("auth does not answer");
    expect(await ask()).toEqual({ kid: "key 2", age: null });
  });

  it("end with an event of an aggregate that the policy names, and with no other", async () => {
    const { ask, publish, options } = edge();
    const consumers = await clearByEvents([...methods.values()], options);
    onTestFinished(async () => void (await Promise.all(consumers.map((consumer) => consumer.stop()))));
    await ask();
    await publish("session");
    expect(await ask()).toMatchObject({ kid: "key 1" });
    await publish("signing_key");
    expect(await ask()).toMatchObject({ kid: "key 2" });
  });
});

it("keeps answers of public methods with a policy alone", () => {
  expect([...methods.values()].filter(isKept)).toEqual([getJwks]);
  const cache = { maxAgeMs: 1000, clearedBy: [] };
  expect(isKept({ ...getJwks, cache, access: { kind: "signed-in" } })).toBe(false);
});

it("answers from what was kept over HTTP, whoever asked first and in whichever protocol", async () => {
  const platform = await startEdge();
  onTestFinished(() => platform.stop());
  const first = await send(platform.url, "GET", "/.well-known/jwks.json");
  expect(first.headers).not.toHaveProperty("age");
  platform.advance(10_000);
  const again = await send(platform.url, "GET", "/.well-known/jwks.json");
  expect(again.headers).toMatchObject({ age: "10", "cache-control": "public, max-age=300" });
  expect(again.bytes.equals(first.bytes)).toBe(true);
  const path = "/consciousness.auth.v1.AuthService/GetJwks?connect=v1&encoding=json&message=%7B%7D";
  expect((await send(platform.url, "GET", path)).headers.age).toBe("10");
});
