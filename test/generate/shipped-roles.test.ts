import { describe, expect, it } from "vitest";
import { PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { roleMatrix, rolesWith } from "../../services/generate/shipped-roles.js";

describe("the documented roles", () => {
  it("name whoever has a permission as shipped", () => {
    expect(rolesWith("TENANT_ADMIN")).toEqual(["SUPER_ADMIN"]);
    expect(rolesWith("USER_ADMIN")).toEqual(["ADMIN", "SUPER_ADMIN"]);
    expect(rolesWith("AGENT_READ")).toHaveLength(5);
  });

  it("name nobody for a permission that there is not", () => {
    expect(rolesWith("EVERYTHING")).toEqual([]);
    expect(rolesWith("UNSPECIFIED")).toEqual([]);
  });

  it("have a row for each permission and a column for each role", () => {
    const { head, rows } = roleMatrix();
    expect(head.at(-1)).toBe("`SUPER_ADMIN`");
    expect(rows).toHaveLength(PermissionSchema.values.length - 1);
    for (const row of rows) {
      expect(row).toHaveLength(head.length);
      expect(row.at(-1)).toBe("yes");
    }
  });
});
