import { describe, expect, it } from "vitest";
import {
  preparedStatements,
  unprepared,
} from "../../../../services/kit/stores/database/prepared-statements.js";

describe("prepared statements", () => {
  it("are named from the second time on, each by a name of its own that fits PostgreSQL", () => {
    const statements = preparedStatements();
    expect(statements.nameOf("select 1")).toBeUndefined();
    const name = statements.nameOf("select 1") ?? "";
    expect(statements.nameOf("select 1")).toBe(name);
    statements.nameOf("select 2");
    expect(statements.nameOf("select 2")).not.toBe(name);
    expect(name.length).toBeLessThan(64);
  });

  it("get a new name when they are renewed", () => {
    const statements = preparedStatements();
    statements.nameOf("select 1");
    const name = statements.nameOf("select 1");
    statements.renew("select 1");
    expect(statements.nameOf("select 1")).not.toBe(name);
  });

  it("are bounded in number, as is what was seen once", () => {
    const statements = preparedStatements();
    for (let i = 0; i < 2000; i++) statements.nameOf(`select ${i}`);
    for (let i = 0; i < 600; i++) {
      statements.nameOf(`again ${i}`);
      statements.nameOf(`again ${i}`);
    }
    expect(statements.nameOf("again 0")).toBeDefined();
    expect(statements.nameOf("again 599")).toBeUndefined();
  });

  it("are none where a pooler would mix them up", () => {
    unprepared.renew("select 1");
    expect([unprepared.nameOf("select 1"), unprepared.nameOf("select 1")]).toEqual([undefined, undefined]);
  });
});
