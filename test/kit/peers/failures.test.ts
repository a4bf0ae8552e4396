import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { errors } from "../../../services/kit/errors.js";
import { isLost, isPassing, isSilence, isUnsent } from "../../../services/kit/peers/failures.js";

const going = new AbortController().signal;
const failed = (code: Code, message = "", cause?: unknown) =>
  new ConnectError(message, code, undefined, undefined, cause);
const nodeError = (code: string) => Object.assign(new Error(code), { code });

// As Connect for Node reports what happened, seen with peers that were killed, drained and not there.
const unsent = [
  failed(Code.Unavailable, "connect ECONNREFUSED", nodeError("ECONNREFUSED")),
  failed(Code.Unavailable, "http/2 stream closed with error code REFUSED_STREAM (0x7)"),
  failed(
    Code.Internal,
    "Stream closed with error code NGHTTP2_REFUSED_STREAM",
    nodeError("ERR_HTTP2_STREAM_ERROR"),
  ),
  failed(Code.Internal, "New streams cannot be created", nodeError("ERR_HTTP2_GOAWAY_SESSION")),
  failed(Code.Internal, "", new Error("around", { cause: nodeError("ERR_HTTP2_INVALID_SESSION") })),
];
const cut = [
  failed(Code.Canceled, "http/2 stream closed with error code CANCEL (0x8)"),
  failed(Code.Aborted, "read ECONNRESET", nodeError("ECONNRESET")),
  failed(Code.Unavailable),
];
const answers = [
  errors.dependencyUnavailable({ dependency: "The database" }),
  errors.overloaded({ workload: "agents", limit: 1 }),
  errors.canceled(),
  errors.deadlineExceeded({ deadline_ms: 5 }),
  failed(Code.Internal, "whatever"),
  failed(Code.NotFound),
  new Error("of our own"),
];

describe("a failed call", () => {
  it.each(unsent)("cannot have arrived: %s", (error) => {
    expect([isUnsent(error), isLost(error, going), isSilence(error, going)]).toEqual([true, true, true]);
  });

  it.each(cut)("was lost, and may have arrived: %s", (error) => {
    expect([isUnsent(error), isLost(error, going), isSilence(error, going)]).toEqual([false, true, true]);
  });

  it.each(answers)("was answered, or failed here: %s", (error) => {
    expect([isUnsent(error), isLost(error, going), isSilence(error, going)]).toEqual([false, false, false]);
  });

  it("was not lost when its caller has left", () => {
    const error = failed(Code.Canceled, "This operation was aborted");
    expect(isLost(error, AbortSignal.abort())).toBe(false);
    expect(isSilence(error, AbortSignal.abort(errors.canceled()))).toBe(false);
  });

  it("met silence when its time ran out without even an answer of that", () => {
    const error = failed(Code.DeadlineExceeded, "the operation timed out");
    expect(isSilence(error, going)).toBe(true);
    expect(isLost(error, going)).toBe(false);
    const late = AbortSignal.abort(errors.deadlineExceeded({ deadline_ms: 5 }));
    expect(isSilence(failed(Code.Canceled), late)).toBe(true);
  });

  it("may be repeated in a moment when the peer was full or about to stop, and not when it lacks something", () => {
    const [lacking, full] = answers;
    expect([
      isPassing(full),
      isPassing(errors.shuttingDown({ workload: "agents" })),
      isPassing(lacking),
    ]).toEqual([true, true, false]);
  });
});
