import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { checkCaller, type IdentifyWorkload } from "../../../services/kit/chain/caller.js";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { contractOf, createAgent, expectRefusal, getAgent, pass, requestOf, watch } from "./calls.js";

const unasked: IdentifyWorkload = () => {
  throw new Error("a known caller needs no proof");
};

describe("who may call, in memory", () => {
  it("allows the workloads that the contract names", async () => {
    for (const caller of [Workload.GATEWAY, Workload.ENGINE]) {
      await pass([checkCaller(unasked)], requestOf(getAgent, { call: { caller } }));
    }
  });

  it("denies another one", async () => {
    const request = requestOf(createAgent, { call: { caller: Workload.ENGINE } });
    const answer = pass([checkCaller(unasked)], request, unreachable);
    const error = await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
    expect(error.rawMessage).toBe("engine may not call consciousness.agents.v1.AgentsService/CreateAgent.");
  });
});

describe("who may call, on the wire", () => {
  it("allows a workload that proves itself, and tells the handler who it is", async () => {
    let caller = Workload.UNSPECIFIED;
    await pass([checkCaller(async () => Workload.ENGINE)], requestOf(getAgent), ({ contextValues }) => {
      caller = callOf({ values: contextValues }).caller;
      return {};
    });
    expect(caller).toBe(Workload.ENGINE);
  });

  it("denies one that proves to be another", async () => {
    const answer = pass([checkCaller(() => Workload.AUTH)], requestOf(getAgent), unreachable);
    await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
  });

  it("denies one that proves nothing", async () => {
    const answer = pass([checkCaller(() => Workload.UNSPECIFIED)], requestOf(getAgent), unreachable);
    const error = await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
    expect(error.rawMessage).toContain("nobody");
  });

  it("denies one whose proof is wrong", async () => {
    const identify = () => Promise.reject(errors.tokenInvalid());
    const answer = pass([checkCaller(identify)], requestOf(getAgent), unreachable);
    await expectRefusal(answer, Code.Unauthenticated, "TOKEN_INVALID");
  });

  it("guards public methods too", async () => {
    const { exchangeToken } = AuthService.method;
    const answer = pass([checkCaller(() => Workload.AUTH)], requestOf(exchangeToken), unreachable);
    await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
  });
});

it("leaves what every process serves about itself to whoever reaches the port", () => {
  for (const method of [SystemService.method.getStatus, watch]) {
    expect(checkCaller(unasked)(contractOf(method))).toBeUndefined();
  }
});

function unreachable() {
  throw new Error("the handler was reached");
}
