import { Code, ConnectError } from "@connectrpc/connect";
import { expect, it } from "vitest";
import type { Layer } from "../../../services/kit/chain/chain.js";
import { challenge } from "../../../services/kit/chain/challenge.js";
import { errors } from "../../../services/kit/errors.js";
import { getAgent, pass, requestOf } from "./calls.js";

const metadata = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource"';

async function challengeOf(error: ConnectError): Promise<string | null> {
  const failing: Layer = () => () => async () => {
    throw error;
  };
  const caught = await pass([challenge("https://api.example"), failing], requestOf(getAgent)).then(
    () => expect.unreachable("it was accepted"),
    (reason) => reason,
  );
  expect(caught).toBe(error);
  return error.metadata.get("www-authenticate");
}

it.each([
  [errors.credentialsMissing(), `Bearer ${metadata}`],
  [errors.credentialsInvalid(), `Bearer ${metadata}`],
  [errors.tokenInvalid(), `Bearer error="invalid_token", ${metadata}`],
  [errors.tokenExpired(), `Bearer error="invalid_token", ${metadata}`],
  [errors.tokenRevoked(), `Bearer error="invalid_token", ${metadata}`],
  [errors.refreshTokenInvalid(), `Bearer ${metadata}`],
  [
    errors.permissionMissing({ permission: "AGENT_READ" }),
    `Bearer error="insufficient_scope", scope="AGENT_READ", ${metadata}`,
  ],
])("says how to get a credential that will do: %s", async (error, expected) => {
  expect(await challengeOf(error)).toBe(expected);
});

it.each([
  errors.agentNotFound({ id: "a" }),
  errors.accountDisabled(),
  errors.originNotAllowed({ origin: "https://evil.example" }),
  errors.dependencyUnavailable({ dependency: "auth" }),
])("says nothing where no credential would help: %s", async (error) => {
  expect(await challengeOf(error)).toBeNull();
});

it("leaves a challenge alone that somebody else made", async () => {
  const error = new ConnectError("no", Code.Unauthenticated, { "www-authenticate": "Basic" });
  expect(await challengeOf(error)).toBe("Basic");
});

it("leaves what succeeds, and foreign failures, alone", async () => {
  const layer = challenge("https://api.example");
  await pass([layer], requestOf(getAgent));
  const failing: Layer = () => () => async () => {
    throw new Error("no");
  };
  await expect(pass([layer, failing], requestOf(getAgent))).rejects.toThrow("no");
});
