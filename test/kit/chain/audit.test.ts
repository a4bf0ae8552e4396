import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { SubjectKind } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { noteSignedIn } from "../../../services/kit/audit/actor.js";
import type { Urgency } from "../../../services/kit/audit/audit.js";
import type { AuditDetails, NewAuditEvent } from "../../../services/kit/audit/event.js";
import { audit } from "../../../services/kit/chain/audit.js";
import { authorize } from "../../../services/kit/chain/authorize.js";
import { checkCaller } from "../../../services/kit/chain/caller.js";
import { translateErrors } from "../../../services/kit/chain/translate-errors.js";
import type { Principal } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { manualTimers, settled } from "../../support/manual-timers.js";
import { ada, fakeClock, rs256, rsaPair } from "../tokens/forge.js";
import {
  contractOf,
  createAgent,
  expectRefusal,
  getAgent,
  type Handler,
  pass,
  type RequestInit,
  recordedLog,
  recordedMetrics,
  requestOf,
  watch,
} from "./calls.js";

const { deleteAgent } = AgentsService.method;
const { login } = AuthService.method;
const id = "0190a000-0000-7000-8000-00000000000a";
const client = { address: "192.0.2.7", agent: "curl/8" };

function audited({ workload = Workload.GATEWAY, written = Promise.resolve(true) } = {}) {
  const events: { event: NewAuditEvent; urgency: Urgency }[] = [];
  const record = (event: NewAuditEvent, urgency: Urgency) => {
    events.push({ event, urgency });
    return urgency === "awaited" ? written : undefined;
  };
  const timers = manualTimers();
  const clock = fakeClock();
  const { log, lines } = recordedLog();
  const { metrics, matching } = recordedMetrics();
  const layer = audit({ workload, audit: { record, stop: async () => {} }, log, metrics, clock, timers });
  const call = (method: DescMethod, init: RequestInit = {}, handler?: Handler) =>
    pass(
      [layer, translateErrors, authorize],
      requestOf(method, { ...init, call: { client, ...init.call } }),
      handler,
    );
  /** The only event, which there has to be. */
  const only = (): AuditDetails => {
    expect(events).toHaveLength(1);
    return events[0]!.event.event;
  };
  return { layer, call, events, only, timers, clock, lines, matching };
}

const everything: Principal = {
  ...ada,
  permissions: new Set(Object.values(Permission).filter((p) => typeof p === "number")),
};

describe("what is recorded", () => {
  it("is who changed what, from where, with which outcome", async () => {
    const { call, only } = audited();
    await call(deleteAgent, { message: { id }, call: { principal: everything } });
    expect(only()).toMatchObject({
      actor: {
        kind: SubjectKind.USER,
        subject: "u1",
        tenantId: "t1",
        homeTenantId: "t1",
        sessionId: "s1",
        apiKeyId: "",
      },
      method: "consciousness.agents.v1.AgentsService/DeleteAgent",
      target: id,
      address: "192.0.2.7",
      userAgent: "curl/8",
      code: 0,
      reason: "",
      requestId: "0190a000-0000-7000-8000-000000000001",
      count: 1,
    });
  });

  it("names what was made by the answer, not by what the request pretends", async () => {
    const { call, only } = audited();
    const message = { agent: { id: "forged", name: "Ada" } };
    await call(createAgent, { message, call: { principal: everything } }, () => ({ agent: { id } }));
    expect(only().target).toBe(id);
  });

  it("is a change that failed, with its reason", async () => {
    const { call, only } = audited();
    const refused = call(deleteAgent, { message: { id }, call: { principal: everything } }, () => {
      throw errors.agentNotFound({ id });
    });
    await expectRefusal(refused, Code.NotFound, "AGENT_NOT_FOUND");
    expect(only()).toMatchObject({ code: Code.NotFound, reason: "AGENT_NOT_FOUND", target: id });
  });

  it("is a refusal for want of a permission, of any method", async () => {
    const { call, only } = audited();
    const principal = { ...ada, permissions: new Set<Permission>() };
    await expectRefusal(call(getAgent, { call: { principal } }), Code.PermissionDenied, "PERMISSION_MISSING");
    expect(only()).toMatchObject({ actor: { subject: "u1" }, code: 7, reason: "PERMISSION_MISSING" });
  });

  it("is a refusal of nobody, with the address alone", async () => {
    const { call, only, events } = audited();
    await expectRefusal(call(getAgent), Code.Unauthenticated, "CREDENTIALS_MISSING");
    expect(only()).toMatchObject({ actor: undefined, code: 16, address: "192.0.2.7" });
    expect(events[0]?.urgency).toBe("soon");
  });

  it("is not a read that succeeded, nor one that failed otherwise", async () => {
    const { call, events } = audited();
    await call(getAgent, { call: { principal: ada } });
    const missing = call(getAgent, { call: { principal: ada } }, () => {
      throw errors.agentNotFound({ id });
    });
    await expectRefusal(missing, Code.NotFound, "AGENT_NOT_FOUND");
    expect(events).toEqual([]);
  });

  it("is every call that an API key proves", async () => {
    const { call, only, events } = audited();
    await call(getAgent, { call: { principal: { ...ada, session: "", apiKey: "k1" } } });
    expect(only()).toMatchObject({ actor: { apiKeyId: "k1" }, code: 0 });
    expect(events[0]?.urgency).toBe("key-use");
  });

  it("is every call in another tenant than the principal's own, with both", async () => {
    const { call, only, events } = audited();
    await call(getAgent, { call: { principal: { ...ada, tenant: "t2" } } });
    expect(only()).toMatchObject({ actor: { tenantId: "t2", homeTenantId: "t1" } });
    expect(events[0]?.urgency).toBe("awaited");
  });

  it("is a decision, by the id that its answer or its error names", async () => {
    const { call, events } = audited();
    const { process } = EngineService.method;
    await call(process, { call: { principal: everything } }, () => ({ decisionId: id }));
    const blocked = call(process, { call: { principal: everything } }, () => {
      throw errors.ethicalViolation({ decision_id: id, rule_ids: "r1" });
    });
    await expectRefusal(blocked, Code.FailedPrecondition, "ETHICAL_VIOLATION");
    expect(events.map(({ event, urgency }) => [event.event.target, urgency])).toEqual([
      [id, "soon"],
      [id, "soon"],
    ]);
  });
});

describe("a sign-in", () => {
  const message = { username: "ada", password: "correct horse" };
  const token = rs256(rsaPair("k1").privateKey);

  it("names who signed in, by the token of the answer", async () => {
    const { call, only } = audited();
    await call(login, { message }, () => ({ tokens: { accessToken: token } }));
    expect(only()).toMatchObject({ actor: { subject: "u1", tenantId: "t1", sessionId: "s1" }, code: 0 });
  });

  it("names who signed in where the token leaves in a cookie", async () => {
    const { call, only } = audited();
    await call(login, { message }, ({ contextValues }) => {
      noteSignedIn(contextValues, token);
      return { tokens: { accessToken: "" } };
    });
    expect(only().actor).toMatchObject({ subject: "u1" });
  });

  it("that failed leaves the attempted name to the record alone, and never the password or a token", async () => {
    const { call, only, events } = audited();
    const refused = call(login, { message: { ...message, tenant: "acme" } }, () => {
      throw errors.credentialsInvalid();
    });
    await expectRefusal(refused, Code.Unauthenticated, "CREDENTIALS_INVALID");
    expect(only()).toMatchObject({ actor: undefined, target: "", reason: "CREDENTIALS_INVALID" });
    expect(events[0]?.event.accountName).toBe("ada");
    const written = JSON.stringify(events);
    for (const secret of [message.password, token]) expect(written).not.toContain(secret);
  });

  it("has nothing in its event that a database would refuse", async () => {
    const { call, events } = audited();
    const refused = call(login, { message: { username: `a\0${"x".repeat(500)}`, password: "" } }, () => {
      throw errors.validationFailed({ problems: "username" });
    });
    await expectRefusal(refused, Code.InvalidArgument, "VALIDATION_FAILED");
    expect(events[0]?.event.accountName).toBe(`a?${"x".repeat(254)}`);
  });
});

describe("a call of nobody in particular", () => {
  const { register, resetPassword, requestPasswordReset } = AccountsService.method;
  const user = "0190a000-0000-7000-8000-0000000000aa";
  const namesOf = ({ accountName, tenantName, accountId }: NewAuditEvent) => ({
    accountName,
    tenantName,
    accountId,
  });

  it.each<[string, DescMethod]>([
    ["a registration", register],
    ["a reset password", resetPassword],
    ["a confirmed address", AccountsService.method.confirmEmail],
  ])("names the account that it was answered with: %s", async (_, method) => {
    const { call, only, events } = audited();
    await call(method, {}, () => ({ userId: user }));
    expect(only()).toMatchObject({ actor: undefined, target: user, code: 0 });
    expect(events[0]?.event.accountId).toBe(user);
  });

  it.each<[string, DescMethod, object, string]>([
    ["the tenant that it names", register, { tenant: "acme" }, "acme"],
    ["the default tenant, where it names none", register, {}, "default"],
    ["no tenant, where an invitation names it", register, { invitationToken: "cin_x" }, ""],
    [
      "the tenant that it names besides an invitation",
      register,
      { tenant: "acme", invitationToken: "x" },
      "acme",
    ],
    ["no tenant, where it has a token alone", resetPassword, { token: "cpr_x" }, ""],
  ])("that failed is about %s", async (_, method, message, tenantName) => {
    const { call, events } = audited();
    const refused = call(method, { message }, () => {
      throw errors.registrationClosed();
    });
    await expectRefusal(refused, Code.PermissionDenied, "REGISTRATION_CLOSED");
    expect(namesOf(events[0]!.event)).toEqual({ accountName: "", tenantName, accountId: "" });
  });

  it("that asks for a reset is about the account that it names, whether or not there is one", async () => {
    const { call, only, events } = audited();
    await call(requestPasswordReset, { message: { tenant: "acme", account: "ada" } }, () => ({}));
    expect(only().target).toBe("");
    expect(namesOf(events[0]!.event)).toEqual({ accountName: "ada", tenantName: "acme", accountId: "" });
  });
});

describe("an answer to a change", () => {
  const never = new Promise<boolean>(() => {});
  const change = { message: { id }, call: { principal: everything } };

  it("waits for its event", async () => {
    let write = (_: boolean) => {};
    const written = new Promise<boolean>((resolve) => {
      write = resolve;
    });
    const { call } = audited({ written });
    let answered = false;
    const answer = call(deleteAgent, change).then(() => {
      answered = true;
    });
    await settled();
    expect(answered).toBe(false);
    write(true);
    await answer;
  });

  it("leaves after a second all the same, as the change is made; a metric and the log tell of it", async () => {
    const { call, timers, lines, matching } = audited({ written: never });
    const answer = call(deleteAgent, change);
    await settled();
    await timers.advance(999);
    expect(lines).toEqual([]);
    await timers.advance(1);
    expect((await answer).stream).toBe(false);
    expect(lines[0]).toMatchObject({
      level: "error",
      message: "an answer left before its audit event was written",
    });
    expect(await matching("audit_events_total")).toEqual(['audit_events_total{outcome="late"} 1']);
  });

  it("waits no longer than its caller does", async () => {
    const { call, timers } = audited({ written: never });
    const answer = call(deleteAgent, { ...change, header: { "grpc-timeout": "200m" } });
    await settled();
    await timers.advance(190);
    expect((await answer).stream).toBe(false);
  });

  it("does not wait when it is a read", async () => {
    const { call } = audited({ written: never });
    await call(getAgent, { call: { principal: ada } });
  });
});

describe("a workload behind the gateway", () => {
  const agents = { workload: Workload.AGENTS };
  const change = { message: { id }, call: { principal: everything, caller: Workload.GATEWAY } };

  it("leaves to the gateway what the gateway forwards", async () => {
    const { call, events } = audited(agents);
    await call(deleteAgent, change);
    const principal = { ...ada, permissions: new Set<Permission>() };
    const refused = call(deleteAgent, { call: { principal, caller: Workload.GATEWAY } });
    await expectRefusal(refused, Code.PermissionDenied, "PERMISSION_MISSING");
    expect(events).toEqual([]);
  });

  it("records a workload that may not call, as it has proved or by its certificate", async () => {
    const spiffe = "spiffe://cluster.local/ns/prod/sa/intruder";
    const strangers = [
      [Workload.ENGINE, undefined, "engine"],
      [Workload.UNSPECIFIED, `By=spiffe://cluster.local/ns/prod/sa/agents;URI=${spiffe}`, spiffe],
    ] as const;
    for (const [proved, meshIdentity, subject] of strangers) {
      const { layer, only } = audited(agents);
      const arrival = { meshIdentity, clientAddress: "192.0.2.9" };
      const request = requestOf(deleteAgent, { arrival, call: { client } });
      const refused = pass([layer, translateErrors, checkCaller(() => proved)], request);
      await expectRefusal(refused, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
      const actor = { kind: SubjectKind.WORKLOAD, subject };
      // For whom it says to call is not believed.
      const where = { address: "192.0.2.9", userAgent: "" };
      expect(only()).toMatchObject({ actor, ...where, reason: "CALLER_NOT_ALLOWED" });
    }
  });

  it("records an outside token at its port", async () => {
    const { layer, only } = audited(agents);
    const refused = pass([layer, translateErrors], requestOf(getAgent), () => {
      throw errors.tokenInvalid();
    });
    await expectRefusal(refused, Code.Unauthenticated, "TOKEN_INVALID");
    expect(only()).toMatchObject({ reason: "TOKEN_INVALID", code: 16 });
  });
});

it("has nothing to do for what operators ask of every process without a credential", () => {
  const { layer } = audited();
  expect(layer(contractOf(watch))).toBeUndefined();
});
