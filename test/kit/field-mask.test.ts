import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { TenantSchema } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { fieldMask } from "../../services/kit/field-mask.js";
import { expectRefusal } from "./chain/calls.js";

const mask = fieldMask(TenantSchema, ["id", "name", "etag"]);
const current = create(TenantSchema, {
  id: "1",
  name: "acme",
  displayName: "Acme",
  active: true,
  limits: { concurrentCalls: 3 },
  createTime: { seconds: 1n },
});
const wanted = create(TenantSchema, { id: "2", name: "other", displayName: "Other", openRegistration: true });

describe("a field mask", () => {
  it.each([
    ["nothing", []],
    ["*", ["*"]],
  ])("of %s takes every changeable field, and clears what is not there", (_, paths) => {
    expect(mask.apply(current, wanted, paths)).toEqual(
      create(TenantSchema, {
        id: "1",
        name: "acme",
        displayName: "Other",
        openRegistration: true,
        createTime: { seconds: 1n },
      }),
    );
  });

  it("of paths takes those fields alone", () => {
    const next = mask.apply(current, wanted, ["display_name", "etag"]);
    expect(next).toEqual(create(TenantSchema, { ...current, displayName: "Other" }));
    expect(mask.changed(current, next)).toEqual(["display_name"]);
  });

  it("leaves what it is given as it was", () => {
    mask.apply(current, wanted, []);
    expect([current.displayName, wanted.displayName]).toEqual(["Acme", "Other"]);
  });

  it("ignores paths of output-only fields, and those that say which object is meant", () => {
    expect(mask.apply(current, wanted, ["create_time", "id", "name"])).toEqual(current);
  });

  it.each(["displayName", "limits.concurrent_calls", "nothing", ""])(
    "refuses %o, with FIELD_MASK_INVALID",
    async (path) => {
      const attempt = Promise.resolve().then(() => mask.apply(current, wanted, ["active", path]));
      await expectRefusal(attempt, Code.InvalidArgument, "FIELD_MASK_INVALID");
    },
  );

  it("tells no difference between a state and itself", () => {
    expect(mask.changed(current, current)).toEqual([]);
  });
});
