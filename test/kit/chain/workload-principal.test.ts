import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { authenticate, type VerifyCredential } from "../../../services/kit/chain/authenticate.js";
import { authorize } from "../../../services/kit/chain/authorize.js";
import { checkCaller } from "../../../services/kit/chain/caller.js";
import { planChain } from "../../../services/kit/chain/chain.js";
import { requireSession } from "../../../services/kit/chain/require-session.js";
import {
  type WorkloadGrants,
  workloadGrants,
  workloadPrincipals,
} from "../../../services/kit/chain/workload-principal.js";
import { backgroundCaller, callOf, principalOf } from "../../../services/kit/context.js";
import { methodName } from "../../../services/kit/contract/method.js";
import { errors } from "../../../services/kit/errors.js";
import type { LocalMethod } from "../../../services/kit/peers/local.js";
import { memoryCalls } from "../../../services/kit/peers/memory.js";
import { contractOf, contracts, expectRefusal, getAgent, pass, requestOf } from "./calls.js";

const verify: VerifyCredential = async () => {
  throw errors.tokenInvalid();
};
const provedBy = (caller: Workload, grants: WorkloadGrants = workloadGrants) => [
  checkCaller(() => caller),
  authenticate(verify, workloadPrincipals(grants)),
  requireSession,
  authorize,
];
const mayRead = { engine: [Permission.AGENT_READ] };

describe("a workload that calls for itself", () => {
  it("is a principal of its own, with what it was granted", async () => {
    await pass(provedBy(Workload.ENGINE, mayRead), requestOf(getAgent), ({ contextValues }) => {
      expect(principalOf({ values: contextValues })).toMatchObject({
        kind: "workload",
        subject: "engine",
        tenant: "default",
      });
      expect(callOf({ values: contextValues }).credential).toBeUndefined();
      return {};
    });
  });

  it("is refused without the grant of a permission, with PERMISSION_MISSING", async () => {
    const answer = pass(provedBy(Workload.ENGINE, { engine: [] }), requestOf(getAgent));
    await expectRefusal(answer, Code.PermissionDenied, "PERMISSION_MISSING");
  });

  it("is nobody where it is granted nothing at all, as it ships, with CREDENTIALS_MISSING", async () => {
    const answer = pass(provedBy(Workload.ENGINE), requestOf(getAgent));
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it("is refused where it may not call, whatever it was granted", async () => {
    const answer = pass(provedBy(Workload.AUTH, { auth: [Permission.AGENT_READ] }), requestOf(getAgent));
    await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
  });

  it("is refused with a credential that does not hold, and not taken for itself", async () => {
    const request = requestOf(getAgent, { header: { authorization: "Bearer forged" } });
    const answer = pass(provedBy(Workload.ENGINE, mayRead), request);
    await expectRefusal(answer, Code.Unauthenticated, "TOKEN_INVALID");
  });

  it("never is the gateway, which stands for everybody outside", async () => {
    const grants = { gateway: [Permission.AGENT_READ] };
    const answer = pass(provedBy(Workload.GATEWAY, grants), requestOf(getAgent));
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
    expect(workloadPrincipals(grants)(Workload.UNSPECIFIED)).toBeUndefined();
  });
});

it("opens no method of the contract to a workload, as none is granted anything", async () => {
  const opened: string[] = [];
  for (const [method, { access, callers, workload }] of contracts) {
    if (access.kind === "public" || workload === undefined) continue;
    for (const caller of callers) {
      await pass(provedBy(caller), requestOf(method)).then(
        () => opened.push(`${Workload[caller]} ${methodName(method)}`),
        () => undefined,
      );
    }
  }
  expect(opened).toEqual([]);
});

it("is the next workload's own principal in memory as on a wire, and not passed on", async () => {
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const subjects: string[] = [];
  const contract = contractOf(getAgent);
  // Callers of a method that another workload's handler calls in turn.
  const layers = [
    authenticate(verify, workloadPrincipals({ agents: [Permission.AGENT_READ], ...mayRead })),
    authorize,
  ];
  const plan = planChain(new Map([[getAgent, contract]]), layers).get(getAgent);
  const local = new Map();
  const target = {
    method: getAgent,
    plan,
    handler: async (_: unknown, context: Parameters<typeof principalOf>[0] & { signal: AbortSignal }) => {
      subjects.push(principalOf(context).subject);
      if (subjects.length === 1) {
        await memoryCalls({ self: Workload.AGENTS, local }).unary(getAgent, {}, context);
      }
      return {};
    },
  } as unknown as LocalMethod;
  local.set(getAgent, target);
  await memoryCalls({ self: Workload.ENGINE, local }).unary(getAgent, {}, backgroundCaller(clock, 5000));
  expect(subjects).toEqual(["engine", "agents"]);
});
