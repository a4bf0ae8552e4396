import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { idempotencyKey } from "../../../services/kit/chain/idempotency-key.js";
import { callOf } from "../../../services/kit/context.js";
import { createAgent, expectRefusal, getAgent, pass, type RequestInit, requestOf, watch } from "./calls.js";

const header = { "idempotency-key": "k-1" };
const name = "consciousness.agents.v1.AgentsService/CreateAgent";

async function keySeen(method: Parameters<typeof requestOf>[0], init: RequestInit) {
  let seen: unknown;
  await pass([idempotencyKey], requestOf(method, init), (request) => {
    seen = callOf({ values: request.contextValues }).idempotencyKey;
    return method === watch ? (async function* () {})() : {};
  });
  return seen;
}

describe("an idempotency key", () => {
  it("becomes part of the call of a method that keeps results", async () => {
    expect(await keySeen(createAgent, { header })).toEqual({ method: name, value: "k-1" });
  });

  it("that a peer passed on in memory stays", async () => {
    const call = { idempotencyKey: { method: name, value: "k-2" } };
    expect(await keySeen(createAgent, { call })).toEqual(call.idempotencyKey);
  });

  it("is absent when none came", async () => {
    expect(await keySeen(createAgent, {})).toBeUndefined();
  });

  it.each([getAgent, watch])("is ignored by $name, even a malformed one", async (method) => {
    expect(await keySeen(method, { header: { "idempotency-key": "two words" } })).toBeUndefined();
  });

  it.each(["", "two words", "k".repeat(256)])("is refused when it is %j", async (value) => {
    const answer = keySeen(createAgent, { header: { "idempotency-key": value } });
    await expectRefusal(answer, Code.InvalidArgument, "IDEMPOTENCY_KEY_INVALID");
  });

  it.each([AuthService.method.login, AuthService.method.refresh])(
    "is refused by $name, which keeps no result, and not missed there",
    async (method) => {
      const error = await expectRefusal(
        keySeen(method, { header }),
        Code.InvalidArgument,
        "IDEMPOTENCY_KEY_UNSUPPORTED",
      );
      expect(error.rawMessage).toContain(`AuthService/${method.name} keeps no result`);
      expect(await keySeen(method, {})).toBeUndefined();
    },
  );
});
