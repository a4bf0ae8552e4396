import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ErrorReasonSchema } from "#gen/ts/consciousness/contract/v1/error_reason_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { errorFacts, errors, validationFailed } from "../../services/kit/errors.js";

describe("errors", () => {
  it("fixes code, reason and message, and carries the parameters as metadata", () => {
    const error = errors.agentNotFound({ id: "a1" });
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toBe("Agent a1 does not exist.");
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
      reason: "AGENT_NOT_FOUND",
      domain: "consciousness.ai",
      metadata: { id: "a1" },
    });
  });

  it("keeps the cause out of the message", () => {
    const error = errors.internal(new Error("password=hunter2"));
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.message).not.toContain("hunter2");
  });

  it("has one maker for each reason of the contract", () => {
    expect(Object.keys(errors)).toHaveLength(ErrorReasonSchema.values.length - 1);
  });

  it("knows its own errors by their reason", () => {
    const facts = errorFacts(errors.overloaded({ workload: "engine", limit: 10 }));
    expect(facts?.reason).toBe("OVERLOADED");
    expect(facts?.spec.retryable).toBe(true);
  });

  it("lists each broken field of an invalid request", () => {
    const error = validationFailed([{ field: "name", description: "must not be empty" }]);
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("name");
  });
});
