import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProcessRequestSchema } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { requestDigest } from "../../../services/kit/idempotency/request-digest.js";

const digest = (context: Record<string, string>, input = "question") =>
  Buffer.from(requestDigest(ProcessRequestSchema, create(ProcessRequestSchema, { input, context }))).toString(
    "hex",
  );
const entries = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.string()), {
  selector: ([key]) => key,
  maxLength: 8,
});

describe("the digest of a request", () => {
  it("is the same in whatever order a map comes", () => {
    fc.assert(
      fc.property(entries, (given) => {
        const turned = Object.fromEntries([...given].reverse());
        expect(digest(turned)).toBe(digest(Object.fromEntries(given)));
      }),
    );
  });

  it("differs with any field, key or value", () => {
    const one = digest({ a: "1", b: "2" });
    const others = [
      digest({ a: "1", b: "3" }),
      digest({ a: "1", c: "2" }),
      digest({ a: "1" }),
      digest({ a: "1", b: "2" }, "?"),
    ];
    expect(new Set([one, ...others]).size).toBe(5);
  });

  it("leaves the request as it was", () => {
    const request = create(ProcessRequestSchema, { context: { b: "2", a: "1" } });
    const before = toBinary(ProcessRequestSchema, request);
    requestDigest(ProcessRequestSchema, Object.freeze(request));
    expect(toBinary(ProcessRequestSchema, request)).toEqual(before);
  });
});
