import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";
import { compiledPath } from "../../support/compile.js";
import { bareDecision } from "./decisions.js";
import { allOf } from "./plans.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "analytics-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const decisions = (count: number, tenantId = "t") =>
  Array.from({ length: count }, (_, n) => bareDecision({ tenantId, decisionId: `d${n}` }));

describe("a file of DuckDB", () => {
  it("has what was appended when it is opened again, and the months that were not forgotten", async () => {
    const first = await openDuckdb({ directory });
    const old = bareDecision({ tenantId: "t", decisionId: "old", time: new Date("2026-01-05T00:00:00Z") });
    await first.append({ decisions: [...decisions(3), old], labels: [] });
    await first.forget(new Date("2026-02-01T00:00:00Z"));
    await first.close();
    const second = await openDuckdb({ directory });
    await second.append({ decisions: decisions(4), labels: [] });
    expect(await second.count(allOf("t"))).toBe(4);
    await second.close();
  });

  it("is refused to a second process, by an error that says who has it", async () => {
    const store = await openDuckdb({ directory });
    const holder = spawn(process.execPath, [compiledPath("test/support/lock-holder.ts"), directory]);
    const [said] = await once(holder.stdout, "data");
    expect(String(said)).toBe("refused DirectoryLockedError\n");
    await expect(openDuckdb({ directory })).rejects.toThrow(`in use by process ${process.pid}`);
    await store.close();
    const again = await openDuckdb({ directory });
    await again.close();
  });

  it("is made in a directory that its owner alone may enter", async () => {
    const inner = join(directory, "analytics");
    const store = await openDuckdb({ directory: inner });
    expect((await stat(inner)).mode & 0o777).toBe(0o700);
    await store.close();
  });
});
