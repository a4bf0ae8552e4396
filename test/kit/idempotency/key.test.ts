import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { checkedKey, keyUse } from "../../../services/kit/idempotency/key.js";
import { contractOf } from "../chain/calls.js";

function refusal(value: string) {
  try {
    checkedKey(value);
  } catch (error) {
    if (error instanceof ConnectError) return { code: error.code, detail: error.rawMessage };
  }
  return undefined;
}

describe("a key", () => {
  it.each(["1", "8e03978e-40d5-43dd-bc93-6894a57f9324", '"quoted"', "~!@#", "k".repeat(255)])(
    "may be %s",
    (value) => {
      expect(checkedKey(value)).toBe(value);
    },
  );

  it.each([
    ["", "it is empty"],
    ["k".repeat(256), "it has 256 characters, and may have 255"],
    ["two words", "its character 4 is no visible ASCII character"],
    ["schlüssel", "its character 5 is no visible ASCII character"],
    ["a\tb", "its character 2 is no visible ASCII character"],
    ["one, another", "its character 5 is no visible ASCII character"],
  ])("may not be %j", (value, problem) => {
    expect(refusal(value)).toEqual({
      code: Code.InvalidArgument,
      detail: `The idempotency key is not valid: ${problem}.`,
    });
  });

  it("is taken exactly when it is 1 to 255 characters from ! to ~", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (value) => {
        expect(refusal(value) === undefined).toBe(/^[!-~]{1,255}$/.test(value));
      }),
    );
  });
});

describe("what a key does", () => {
  const useOf = (method: DescMethod) => keyUse(method, contractOf(method).access.kind);
  const { createAgent, updateAgent, deleteAgent, getAgent } = AgentsService.method;
  const { login, refresh, logout } = AuthService.method;
  const { process, evaluateEthics } = EngineService.method;

  it.each([createAgent, updateAgent, deleteAgent, process])("is to keep the result of $name", (method) => {
    expect(useOf(method)).toBe("kept");
  });

  it.each([getAgent, evaluateEthics, logout])(
    "is nothing for $name, whose repetition changes nothing",
    (method) => {
      expect(useOf(method)).toBe("ignored");
    },
  );

  it.each([login, refresh])("is refused for $name, which answers credentials to nobody known", (method) => {
    expect(useOf(method)).toBe("refused");
  });
});
