import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileBlobs } from "../../../services/analytics/exports/blobs/files.js";
import { pieceBlobs } from "../../../services/analytics/exports/blobs/pieces.js";
import type { Blobs } from "../../../services/analytics/exports/blobs/port.js";
import type { ExportTables } from "../../../services/analytics/exports/rows.js";
import { newId } from "../../../services/kit/ids.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../../../services/kit/stores/database/migrate.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../support/database.js";

let directory: string;
let database: Database;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "blobs-"));
  database = await emptyDatabase();
  const migrations = (await readMigrations("analytics")).filter(({ name }) => name.includes("exports"));
  await migrate(database, { schema: "analytics", migrations });
});
afterAll(async () => {
  await database.end();
  await rm(directory, { recursive: true, force: true });
});

const adapters: Record<string, () => Blobs> = {
  "in files": () => fileBlobs(join(directory, "files")),
  "in the database": () => pieceBlobs(openSchema<ExportTables>(database, "analytics")),
};

async function* pieces(...all: readonly Uint8Array[]) {
  yield* all;
}

async function contentOf(blobs: Blobs, id: string): Promise<Buffer | undefined> {
  const content = await blobs.read(id);
  if (!content) return undefined;
  const read: Uint8Array[] = [];
  for await (const piece of content) read.push(piece);
  return Buffer.concat(read);
}

describe.each(Object.entries(adapters))("blobs %s", (_, open) => {
  it.each([
    ["of nothing", []],
    ["of an empty piece", [0]],
    ["of small pieces", [1, 0, 999]],
    ["beyond a row", [1_048_575, 1, 700_000, 1_500_000]],
  ])("give content %s back", async (_name, sizes) => {
    const blobs = open();
    const content = sizes.map((size, i) => Buffer.alloc(size, i + 1));
    const id = newId();
    expect(await blobs.write(id, pieces(...content))).toBe(Buffer.concat(content).length);
    expect((await contentOf(blobs, id))?.equals(Buffer.concat(content))).toBe(true);
  });

  it("have nothing under an id that was removed, or never was", async () => {
    const blobs = open();
    const id = newId();
    expect(await contentOf(blobs, id)).toBeUndefined();
    await blobs.write(id, pieces(Buffer.from("a")));
    await blobs.remove(id);
    await blobs.remove(id);
    expect(await contentOf(blobs, id)).toBeUndefined();
  });

  it("pass on what was wrong with the content, and remove the part that is there", async () => {
    const blobs = open();
    const id = newId();
    async function* broken() {
      yield Buffer.alloc(2_000_000);
      throw new Error("no more rows");
    }
    await expect(blobs.write(id, broken())).rejects.toThrow("no more rows");
    await blobs.remove(id);
    expect(await contentOf(blobs, id)).toBeUndefined();
  });
});
