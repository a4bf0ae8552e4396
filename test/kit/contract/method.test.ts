import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { ContractError, resolveContract } from "../../../services/kit/contract/method.js";
import { everyService } from "../../support/every-service.js";
import { type OddService, oddService } from "./odd-contract.js";

const sound = { workload: Workload.AGENTS, callers: [Workload.GATEWAY], deadlineMs: 500 };
const isPublic = { access: { case: "public", value: true } } as const;

const problemsOf = (service: OddService) => resolveContract([oddService(service)]).problems;

describe("the contract", () => {
  const { methods, problems } = resolveContract(everyService);

  it("resolves every method", () => {
    expect(problems).toEqual([]);
    expect(methods.size).toBe(everyService.flatMap((service) => service.methods).length);
  });

  it("gives a method what its service states, unless it states its own", () => {
    expect(methods.get(AgentsService.method.getAgent)).toMatchObject({
      name: "consciousness.agents.v1.AgentsService/GetAgent",
      workload: Workload.AGENTS,
      access: { kind: "permission", permission: Permission.AGENT_READ },
      callers: new Set([Workload.GATEWAY, Workload.ENGINE]),
      deadlineMs: 2000,
      idempotent: true,
      noSideEffects: true,
      forwarded: true,
    });
    expect(methods.get(AgentsService.method.createAgent)).toMatchObject({
      callers: new Set([Workload.GATEWAY]),
      idempotent: false,
      noSideEffects: false,
    });
  });

  it("keeps what the gateway calls for itself from being forwarded", () => {
    expect(methods.get(AuthService.method.exchangeToken)).toMatchObject({
      access: { kind: "public" },
      deadlineMs: 1000,
      idempotent: true,
      noSideEffects: false,
      forwarded: false,
    });
  });

  it("has no single workload for what every process serves", () => {
    expect(methods.get(SystemService.method.getHealth)?.workload).toBeUndefined();
  });
});

describe("a contract that cannot be served", () => {
  it("is told with every offender at once", () => {
    const problems = problemsOf({
      policy: sound,
      methods: {
        Silent: {},
        Falsely: { policy: { access: { case: "public", value: false } } },
        NotSignedIn: { policy: { access: { case: "signedIn", value: false } } },
        NoPermission: { policy: { access: { case: "permission", value: Permission.UNSPECIFIED } } },
        Sound: { policy: isPublic },
        Hasty: { policy: { ...isPublic, deadlineMs: 0 } },
        Unreachable: { policy: { ...isPublic, callers: [Workload.ENGINE] }, path: "/unreachable" },
        Internal: { policy: { ...isPublic, internal: true }, path: "/internal" },
        Reachable: { policy: isPublic, path: "/reachable" },
        Anybody: { policy: { ...isPublic, callers: [Workload.UNSPECIFIED] } },
      },
    });
    const noAccess = "has no access; state public, signed_in or permission (false is none)";
    expect(problems).toEqual([
      `odd.v1.OddService/Silent: ${noAccess}`,
      `odd.v1.OddService/Falsely: ${noAccess}`,
      `odd.v1.OddService/NotSignedIn: ${noAccess}`,
      `odd.v1.OddService/NoPermission: ${noAccess}`,
      "odd.v1.OddService/Hasty: has no deadline_ms",
      "odd.v1.OddService/Unreachable: has an HTTP rule, but the gateway may not forward to it",
      "odd.v1.OddService/Internal: has an HTTP rule, but the gateway may not forward to it",
      "odd.v1.OddService/Anybody: names WORKLOAD_UNSPECIFIED as a caller",
    ]);
  });

  it("has a service without workload, callers and deadline", () => {
    expect(problemsOf({ methods: { Get: { policy: isPublic } } })).toEqual([
      "odd.v1.OddService/Get: its service needs either a workload or every_workload",
      "odd.v1.OddService/Get: has no deadline_ms",
      "odd.v1.OddService/Get: has no callers",
    ]);
  });

  it("has a service that names a workload and every workload", () => {
    const policy = { ...sound, everyWorkload: true };
    expect(problemsOf({ policy, methods: { Get: { policy: isPublic } } })).toEqual([
      "odd.v1.OddService/Get: its service needs either a workload or every_workload",
    ]);
  });

  it("asks for a session where it asks for nobody", () => {
    const policy = { ...isPublic, sessionOnly: true };
    expect(problemsOf({ policy: sound, methods: { Get: { policy } } })).toEqual([
      "odd.v1.OddService/Get: asks for a session, but is public",
    ]);
  });

  it("resolves nothing of a method that has problems", () => {
    const service = oddService({ policy: sound, methods: { Silent: {}, Sound: { policy: isPublic } } });
    const { methods } = resolveContract([service]);
    expect([...methods.values()].map(({ name }) => name)).toEqual(["odd.v1.OddService/Sound"]);
  });

  it("keeps answers that change something, for no time, or for everybody what is somebody's", () => {
    const signedIn = { access: { case: "signedIn", value: true } } as const;
    const idempotency = MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    const cache = { maxAgeSeconds: 1 };
    const problems = problemsOf({
      policy: sound,
      methods: {
        Writes: { policy: { ...isPublic, cache } },
        Streams: { policy: { ...isPublic, cache }, idempotency, streams: true },
        Timeless: { policy: { ...isPublic, cache: {} }, idempotency },
        Own: { policy: { ...signedIn, cache: { ...cache, clearedBy: ["agent"] } }, idempotency },
        Sound: { policy: { ...signedIn, cache }, idempotency },
      },
    });
    const writes = "has a cache policy, but is no unary method without side effects";
    expect(problems).toEqual([
      `odd.v1.OddService/Writes: ${writes}`,
      `odd.v1.OddService/Streams: ${writes}`,
      "odd.v1.OddService/Timeless: has a cache policy without max_age_seconds",
      "odd.v1.OddService/Own: says what clears the gateway's cache, which keeps answers of public methods alone",
    ]);
  });

  it("changes what a path names without a target for its audit record, or has one that is none or secret", () => {
    const change = { ...isPublic, audit: AuditClass.CHANGE };
    const problems = problemsOf({
      policy: sound,
      methods: {
        Nameless: { policy: change, path: "/parts/{text}" },
        Named: { policy: { ...change, auditTarget: "part.text" }, path: "/parts/{text}" },
        All: { policy: change, path: "/parts" },
        Read: { policy: isPublic, path: "/parts/{text}" },
        Unknown: { policy: { ...change, auditTarget: "part.name" } },
        Several: { policy: { ...change, auditTarget: "parts.text" } },
        Whole: { policy: { ...change, auditTarget: "part" } },
        Secret: { policy: { ...change, auditTarget: "part.secret" } },
      },
    });
    const none = "which is no field of a text or an enum";
    expect(problems).toEqual([
      "odd.v1.OddService/Nameless: changes what its REST path names, but has no audit_target",
      `odd.v1.OddService/Unknown: has the audit_target part.name, ${none}`,
      `odd.v1.OddService/Several: has the audit_target parts.text, ${none}`,
      `odd.v1.OddService/Whole: has the audit_target part, ${none}`,
      "odd.v1.OddService/Secret: has the audit_target part.secret, which is RESTRICTED",
    ]);
  });

  it("is an error that lists one offender per line", () => {
    const error = new ContractError(["a: no access", "b: no deadline"]);
    expect(error.message).toBe("the contract cannot be served:\n  a: no access\n  b: no deadline");
  });
});

describe("a method", () => {
  const { IDEMPOTENT, NO_SIDE_EFFECTS, IDEMPOTENCY_UNKNOWN } = MethodOptions_IdempotencyLevel;

  it.each([
    [IDEMPOTENT, { idempotent: true, noSideEffects: false }],
    [NO_SIDE_EFFECTS, { idempotent: true, noSideEffects: true }],
    [IDEMPOTENCY_UNKNOWN, { idempotent: false, noSideEffects: false }],
  ])("of idempotency %i may be repeated accordingly", (idempotency, expected) => {
    const service = oddService({ policy: sound, methods: { Get: { policy: isPublic, idempotency } } });
    expect([...resolveContract([service]).methods.values()][0]).toMatchObject(expected);
  });

  it("may be kept as long as its policy says", () => {
    expect(resolveContract(everyService).methods.get(AuthService.method.getJwks)?.cache).toEqual({
      maxAgeMs: 300_000,
      clearedBy: ["signing_key"],
    });
    expect(resolveContract(everyService).methods.get(AgentsService.method.getAgent)?.cache).toBeUndefined();
  });

  it("that streams has no deadline, as it ends by itself", () => {
    const service = oddService({ policy: sound, methods: { Watch: { policy: isPublic, streams: true } } });
    expect([...resolveContract([service]).methods.values()][0]?.deadlineMs).toBeUndefined();
  });
});
