import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { translateErrors } from "../../../services/kit/chain/translate-errors.js";
import { errors } from "../../../services/kit/errors.js";
import { expectRefusal, getAgent, messagesOf, pass, requestOf, watch } from "./calls.js";

const failing = (error: unknown, signal?: AbortSignal) =>
  pass([translateErrors], requestOf(getAgent, signal && { signal }), () => {
    throw error;
  });

describe("errors that leave", () => {
  it("are those of the catalogue, unchanged", async () => {
    const error = errors.agentNotFound({ id: "7" });
    expect(await expectRefusal(failing(error), Code.NotFound, "AGENT_NOT_FOUND")).toBe(error);
  });

  it.each([
    ["a plain error", new Error("secret of the handler")],
    ["an upstream's ConnectError", new ConnectError("secret of the upstream", Code.NotFound)],
    ["a string", "secret"],
    ["nothing at all", undefined],
  ])("are INTERNAL for %s, with the original as cause alone", async (_, thrown) => {
    const error = await expectRefusal(failing(thrown), Code.Internal, "INTERNAL");
    expect(error.message).not.toContain("secret");
    expect(error.cause).toBe(thrown);
    expect(error.details).toHaveLength(1);
  });

  it("are translated when a stream fails late", async () => {
    const response = await pass([translateErrors], requestOf(watch), async function* () {
      yield {};
      throw new ConnectError("secret", Code.PermissionDenied);
    });
    await expectRefusal(messagesOf(response), Code.Internal, "INTERNAL");
  });
});

describe("an abort", () => {
  it("is CANCELED when the caller went away", async () => {
    for (const signal of [AbortSignal.abort(), AbortSignal.abort(new ConnectError("gone", Code.Canceled))]) {
      await expectRefusal(failing(signal.reason, signal), Code.Canceled, "CANCELED");
      await expectRefusal(failing(new DOMException("x", "AbortError"), signal), Code.Canceled, "CANCELED");
    }
  });

  it("is what caused it when that is of the catalogue", async () => {
    const signal = AbortSignal.abort(errors.deadlineExceeded({ deadline_ms: 50 }));
    await expectRefusal(failing(new Error("aborted"), signal), Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
  });

  it("is DEADLINE_EXCEEDED when Connect's own timer ended a stream", async () => {
    const signal = AbortSignal.abort(new ConnectError("timed out", Code.DeadlineExceeded));
    const header = { "grpc-timeout": "50m" };
    const answer = pass([translateErrors], requestOf(watch, { signal, header }), () => {
      throw signal.reason;
    });
    const error = await expectRefusal(answer, Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
    expect(error.rawMessage).toBe("No answer within 50 ms.");
  });

  it("does not hide a failure that has nothing to do with it", async () => {
    await expectRefusal(failing(new Error("a bug"), AbortSignal.abort()), Code.Internal, "INTERNAL");
  });

  it("is INTERNAL when nobody aborted the call", async () => {
    await expectRefusal(failing(new DOMException("x", "AbortError")), Code.Internal, "INTERNAL");
  });
});
