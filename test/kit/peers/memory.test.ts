import { create } from "@bufbuild/protobuf";
import { Code, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AgentsService, GetAgentRequestSchema } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import { expectRefusal, recordedMetrics } from "../chain/calls.js";
import { ada } from "../tokens/forge.js";
import { callerWith, localMethods, peers } from "./callee.js";

const id = newId();

/** The engine's client of agents whose GetAgent is the given handler. */
function agentsFor(getAgent: (request: object, context: HandlerContext) => object = () => ({})) {
  return peers(Workload.ENGINE, { local: localMethods({ getAgent }) })(AgentsService);
}

describe("a call in memory", () => {
  it("is allowed where the contract has the caller", async () => {
    const agents = agentsFor(() => ({ agent: { id } }));
    expect((await agents.getAgent({ id }, callerWith())).agent?.id).toBe(id);
  });

  it("is denied where it has not, whoever called the caller", async () => {
    const answer = agentsFor().createAgent({ agent: { name: "a", agentType: "b" } }, callerWith());
    await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
  });

  it("carries the principal that was verified, the ids, and who calls", async () => {
    let seen: unknown;
    const agents = agentsFor((_, context) => {
      seen = callOf(context);
      return {};
    });
    await agents.getAgent({ id }, callerWith({ requestId: id, correlationId: "client-1" }));
    expect(seen).toMatchObject({
      principal: ada,
      requestId: id,
      correlationId: "client-1",
      caller: Workload.ENGINE,
    });
  });

  it("is refused without a principal where one is asked for", async () => {
    const answer = agentsFor().getAgent({ id }, callerWith({ principal: undefined, credential: undefined }));
    await expectRefusal(answer, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it("leaves the caller's own context as it was", async () => {
    const caller = callerWith();
    const before = callOf(caller);
    const then = { ...before };
    await agentsFor().getAgent({ id }, caller);
    expect(callOf(caller)).toBe(before);
    expect(before).toEqual(then);
  });

  it("ends before the caller stops waiting", async () => {
    const deadline = Date.now() + 400;
    let callee = Number.POSITIVE_INFINITY;
    await agentsFor((_, context) => {
      callee = callOf(context).deadline;
      return {};
    }).getAgent({ id }, callerWith({ deadline }));
    expect(callee).toBeLessThanOrEqual(deadline - 5);
    const late = agentsFor(() => new Promise(() => undefined)).getAgent(
      { id },
      callerWith({ deadline: Date.now() }),
    );
    await expectRefusal(late, Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
  });

  it("is aborted when the caller's own caller goes away", async () => {
    const outer = new AbortController();
    const agents = agentsFor((_, { signal }) => {
      outer.abort();
      signal.throwIfAborted();
      return {};
    });
    await expectRefusal(agents.getAgent({ id }, callerWith({}, outer.signal)), Code.Canceled, "CANCELED");
  });

  it("passes messages by reference, and no layer changes them", async () => {
    const request = Object.freeze(create(GetAgentRequestSchema, { id }));
    let received: unknown;
    await agentsFor((message) => {
      received = message;
      return {};
    }).getAgent(request, callerWith());
    expect(received).toBe(request);
  });

  it("is validated like one from the wire", async () => {
    const answer = agentsFor().getAgent({ id: "no id" }, callerWith());
    await expectRefusal(answer, Code.InvalidArgument, "VALIDATION_FAILED");
  });

  it("fails with the callee's error", async () => {
    const agents = agentsFor(() => {
      throw errors.agentNotFound({ id });
    });
    await expectRefusal(agents.getAgent({ id }, callerWith()), Code.NotFound, "AGENT_NOT_FOUND");
  });

  it("of a method that is not served is METHOD_UNKNOWN", async () => {
    const agents = peers(Workload.ENGINE, { local: new Map() })(AgentsService);
    await expectRefusal(agents.getAgent({ id }, callerWith()), Code.Unimplemented, "METHOD_UNKNOWN");
  });
});

describe("a peer", () => {
  it("sends nothing without the context of a call", async () => {
    const caller = { values: createContextValues(), signal: new AbortController().signal };
    await expectRefusal(agentsFor().getAgent({ id }, caller), Code.Internal, "INTERNAL");
  });

  it("counts its calls by code", async () => {
    const { metrics, matching } = recordedMetrics();
    const getAgent = ({ id: wanted }: { id: string }) => {
      if (wanted !== id) throw errors.agentNotFound({ id: wanted });
      return {};
    };
    const agents = peers(Workload.ENGINE, { local: localMethods({ getAgent }), metrics })(AgentsService);
    await agents.getAgent({ id }, callerWith());
    await agents.getAgent({ id: newId() }, callerWith()).catch(() => undefined);
    expect(await matching("rpc_client_requests_total")).toEqual([
      'rpc_client_requests_total{peer="agents",method="GetAgent",code="ok"} 1',
      'rpc_client_requests_total{peer="agents",method="GetAgent",code="not_found"} 1',
    ]);
    expect(await matching("rpc_client_duration_seconds_count")).toEqual([
      'rpc_client_duration_seconds_count{peer="agents",method="GetAgent"} 2',
    ]);
  });

  it("cannot be made of a service that every process serves about itself", () => {
    expect(() => peers(Workload.ENGINE, {})(SystemService)).toThrow("is served by no workload");
  });
});
