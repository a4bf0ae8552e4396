import { execFile } from "node:child_process";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";

/** A data directory of the platform, new to it, in which the seconds of making and migrating a database are spent already. */
export async function freshDataDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "platform-"));
  const data = join(directory, "database", "data");
  await mkdir(data, { recursive: true, mode: 0o700 });
  await promisify(execFile)("tar", ["-xf", inject("migratedTemplate"), "-C", data]);
  return directory;
}
