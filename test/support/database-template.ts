import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** File with an empty database, made once for all test files. */
    databaseTemplate: string;
  }
}

/** Making a database takes seconds and loading one a fraction, so the test files share the first half. */
export default async function makeTemplate(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "database-template-"));
  const file = join(directory, "template.tar");
  const database = await PGlite.create({ dataDir: "memory://" });
  const dump = await database.dumpDataDir("none");
  await database.close();
  await writeFile(file, new Uint8Array(await dump.arrayBuffer()));
  project.provide("databaseTemplate", file);
  return () => rm(directory, { recursive: true, force: true });
}
