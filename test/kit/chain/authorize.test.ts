import { Code } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { authorize } from "../../../services/kit/chain/authorize.js";
import { ada } from "../tokens/forge.js";
import { contractOf, createAgent, expectRefusal, getAgent, pass, requestOf } from "./calls.js";

it("lets a principal with the method's permission pass", async () => {
  await pass([authorize], requestOf(getAgent, { call: { principal: ada } }));
});

it("refuses a principal without it, naming the permission", async () => {
  const principal = { ...ada, permissions: new Set([Permission.AGENT_READ, Permission.SYSTEM_ADMIN]) };
  const answer = pass([authorize], requestOf(createAgent, { call: { principal } }));
  const error = await expectRefusal(answer, Code.PermissionDenied, "PERMISSION_MISSING");
  expect(error.rawMessage).toBe("This needs the permission AGENT_CREATE.");
});

it("refuses a call of nobody", async () => {
  const answer = pass([authorize], requestOf(getAgent));
  await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
});

it("has nothing to do for methods that are public or open to everybody signed in", () => {
  const { login, logout } = AuthService.method;
  expect([login, logout].map((method) => authorize(contractOf(method)))).toEqual([undefined, undefined]);
});
