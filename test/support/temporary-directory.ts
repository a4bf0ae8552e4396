import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives a run a temporary directory of its own, for its tests and the processes that they start. What any of
 * them leaves there, since it was killed perhaps, goes when the run ends.
 */
export default async function ownTemporaryDirectory(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "tests-"));
  // Servers that tests start may run as users of their own.
  await chmod(directory, 0o755);
  process.env.TMPDIR = directory;
  return () => rm(directory, { recursive: true, force: true });
}
