import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEvents } from "../../services/kit/outbox.js";
import { openSchema } from "../../services/kit/stores/database/kysely.js";
import { DirectoryLockedError } from "../../services/kit/stores/database/lock.js";
import { openPglite } from "../../services/kit/stores/database/pglite.js";
import { compiledPath } from "../support/compile.js";

describe("PGlite in a directory", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "database-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("refuses a second process, and keeps every acknowledged row and event over kill -9", async () => {
    const acknowledged = await writeUntilKilled(directory, 300);
    const database = await openPglite({ directory });
    const db = openSchema<{ thing: { id: string } }>(database, "things");
    const rows = new Set((await db.selectFrom("thing").select("id").execute()).map(({ id }) => id));
    const events = await readEvents(db, { limit: 100_000 });
    expect(acknowledged.filter((id) => !rows.has(id))).toEqual([]);
    expect(events.map((event) => event.aggregateId).sort()).toEqual([...rows].sort());
    await database.end();
  }, 60_000);
});

/** Runs a writer, kills it once it acknowledged `count` writes, and returns all that it acknowledged. */
async function writeUntilKilled(directory: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [compiledPath("test/support/database-writer.ts"), directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line);
    if (acknowledged.length === 1) {
      const refusal = await openPglite({ directory }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(DirectoryLockedError);
    }
    if (acknowledged.length === count) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return acknowledged;
}
