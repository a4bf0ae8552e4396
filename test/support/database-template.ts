import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import type { TestProject } from "vitest/node";
import { packageRoot } from "../../services/kit/package-root.js";
import { migrate, readMigrations } from "../../services/kit/stores/database/migrate.js";
import { openPglite } from "../../services/kit/stores/database/pglite.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** File with an empty database, made once for all test files. */
    databaseTemplate: string;
    /** File with a database in which every service's schema stands, and holds nothing. */
    migratedTemplate: string;
  }
}

/** Making a database takes seconds and loading one a fraction, so the test files share the first half. */
export default async function makeTemplates(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "database-template-"));
  const [empty, migrated] = [join(directory, "empty.tar"), join(directory, "migrated.tar")];
  const database = await PGlite.create({ dataDir: "memory://" });
  const dump = await database.dumpDataDir("none");
  await database.close();
  await writeFile(empty, new Uint8Array(await dump.arrayBuffer()));
  await makeMigrated(directory, dump, migrated);
  project.provide("databaseTemplate", empty);
  project.provide("migratedTemplate", migrated);
  return () => rm(directory, { recursive: true, force: true });
}

async function makeMigrated(directory: string, template: Blob, file: string): Promise<void> {
  const database = await openPglite({ directory, template });
  for (const schema of schemas()) {
    await migrate(database, { schema, migrations: await readMigrations(schema) });
  }
  await database.end();
  await promisify(execFile)("tar", ["-cf", file, "-C", join(directory, "data"), "."]);
}

function schemas(): string[] {
  const services = join(packageRoot(), "services");
  return readdirSync(services).filter((name) => existsSync(join(services, name, "migrations")));
}
