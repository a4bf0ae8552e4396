import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { openDuckdb } from "../../services/analytics/store/duckdb/store.js";
import { difference } from "../analytics/store/compare.js";
import { generate, inSequence } from "../analytics/store/decisions.js";
import { direct, labelled } from "../analytics/store/direct.js";
import { allOf, by, everyAggregate, planOf } from "../analytics/store/plans.js";
import { compiledPath } from "../support/compile.js";

const size = 200;
const tenantId = "t";

it("a writer that is killed again and again loses nothing that it had kept, and doubles nothing", async () => {
  const directory = await mkdtemp(join(tmpdir(), "analytics-crash-"));
  const data = inSequence(generate({ count: 8000, seed: 7, tenantIds: [tenantId] }), 10_000);
  const write = (from: number) =>
    spawn(process.execPath, [compiledPath("test/support/analytics-writer.ts"), directory, String(from)], {
      stdio: ["ignore", "pipe", "inherit"],
    });

  let next = 0;
  for (let crash = 1; crash <= 3; crash++) {
    const acknowledged = await killedAfter(write(next), next + 7 * crash);
    const store = await openDuckdb({ directory });
    const kept = await store.count(allOf(tenantId));
    await store.close();
    // A batch may be there that its writer did not live to tell of, and never a part of one.
    expect(kept % size).toBe(0);
    expect([acknowledged + 1, acknowledged + 2]).toContain(kept / size);
    // As events are: what was not acknowledged comes again, and some of what was.
    next = Math.max(0, acknowledged - 2);
  }
  const last = write(next);
  last.stdout?.resume();
  expect(await once(last, "exit")).toEqual([0, null]);

  const store = await openDuckdb({ directory });
  const plan = planOf(allOf(tenantId), [by("label")], everyAggregate);
  const answer = await store.query(plan, { timeMs: 60_000, groups: 1000 });
  expect(await store.count(allOf(tenantId))).toBe(data.decisions.length);
  expect(difference(plan, answer, direct(plan, labelled(data)))).toBeUndefined();
  await store.close();
  await rm(directory, { recursive: true, force: true });
}, 300_000);

/** Kills the writer once it has told of this batch; returns the last one that it told of. */
async function killedAfter(writer: ChildProcess, batch: number): Promise<number> {
  if (!writer.stdout) throw new Error("no output");
  let last = -1;
  for await (const line of createInterface(writer.stdout)) {
    last = Number(line);
    if (last === batch) writer.kill("SIGKILL");
  }
  return last;
}
