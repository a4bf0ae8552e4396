import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { ConfirmSecondFactorResponseSchema } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { LoginResponseSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { mayHaveSecrets, withoutSecrets } from "../../../services/kit/contract/without-secrets.js";

describe("a message without its secrets", () => {
  it("has all but what is RESTRICTED, in nested messages too", () => {
    const tokens = { accessToken: "secret", tokenType: "Bearer", refreshToken: "secret" };
    const answer = create(LoginResponseSchema, { tokens, profile: { username: "ada" } });
    expect(withoutSecrets(LoginResponseSchema, answer)).toEqual(
      create(LoginResponseSchema, { tokens: { tokenType: "Bearer" }, profile: { username: "ada" } }),
    );
    expect(answer.tokens?.accessToken).toBe("secret");
  });

  it("has no secret of a list", () => {
    const answer = create(ConfirmSecondFactorResponseSchema, { recoveryCodes: ["one", "two"] });
    expect(withoutSecrets(ConfirmSecondFactorResponseSchema, answer).recoveryCodes).toEqual([]);
  });

  it("is the message itself where its type has none", () => {
    const agent = create(AgentSchema, { name: "Ada" });
    expect(mayHaveSecrets(AgentSchema)).toBe(false);
    expect(withoutSecrets(AgentSchema, agent)).toBe(agent);
  });
});
