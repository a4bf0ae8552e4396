import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { beginCall, correlationId } from "../../../services/kit/chain/identify.js";
import { newId } from "../../../services/kit/ids.js";
import { callWith, getAgent, type RequestInit, requestOf } from "./calls.js";

const id = newId();
const fromWire = (init: RequestInit, trusted: boolean) =>
  beginCall(requestOf(getAgent, { ...init, call: undefined }), trusted);

describe("our request id", () => {
  it("is taken over from a workload", () => {
    const header = { "x-consciousness-request-id": id };
    expect(fromWire({ header }, true).requestId).toBe(id);
  });

  it("is made anew when it comes from outside", () => {
    const header = { "x-consciousness-request-id": id };
    expect(fromWire({ header }, false).requestId).not.toBe(id);
  });

  it.each(["", "1", id.toUpperCase(), `${id}0`, id.replace(/^(.{14})7/, "$14"), `${id}, ${id}`])(
    "is made anew when a workload sends %j",
    (value) => {
      const { requestId } = fromWire({ header: { "x-consciousness-request-id": value } }, true);
      expect(requestId).not.toBe(value);
      expect(requestId).toMatch(/^[0-9a-f-]{14}7/);
    },
  );

  it("is the one that the edge made before the chain", () => {
    expect(fromWire({ arrival: { requestId: id } }, false).requestId).toBe(id);
  });
});

describe("a call that begins", () => {
  it("keeps what the caller in memory knew", () => {
    const call = callWith({ requestId: id, caller: Workload.ENGINE });
    expect(beginCall(requestOf(getAgent, { call }), false)).toEqual(call);
  });

  it("starts with nothing proved when it comes from the wire", () => {
    expect(fromWire({}, true)).toMatchObject({
      caller: Workload.UNSPECIFIED,
      principal: undefined,
      credential: undefined,
      deadline: Number.POSITIVE_INFINITY,
    });
  });
});

describe("the correlation id", () => {
  it.each(["abc", "A.b_c:d-9", "x".repeat(64)])("is the client's when well-formed: %s", (value) => {
    expect(correlationId(value, id)).toBe(value);
  });

  it.each([undefined, null, "", "a b", "x".repeat(65), "a\nb", "<a>", "é"])("is ours for %j", (value) => {
    expect(correlationId(value, id)).toBe(id);
  });

  it("never lets another character through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        expect(correlationId(value, id)).toMatch(/^[A-Za-z0-9._:-]{1,64}$/);
      }),
    );
  });
});
