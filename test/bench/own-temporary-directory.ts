import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives a bench a temporary directory of its own, for itself and what it starts. Contestants are killed, and
 * leave their files there: all of it goes when the bench ends, by a failure or a signal too.
 */
export function ownTemporaryDirectory(): void {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  // Servers that a bench starts may run as users of their own.
  chmodSync(directory, 0o755);
  process.env.TMPDIR = directory;
  process.once("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
