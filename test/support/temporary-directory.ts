import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives this process, and those that it starts from now on, a temporary directory of their own, whose name begins
 * so. What any of them leaves there, since it was killed perhaps, goes by what is returned.
 */
export function takeTemporaryDirectory(prefix: string): () => void {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  // Servers may run as users of their own.
  chmodSync(directory, 0o755);
  process.env.TMPDIR = directory;
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** Gives a run of tests one. */
export default function ownTemporaryDirectory(): () => void {
  return takeTemporaryDirectory("tests-");
}
