import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Blobs } from "./blobs/port.js";
import type { ExportQueue } from "./job-queue.js";

/**
 * Removes what deleted and expired jobs leave: the file first, so that none is
 * left that nobody knows of, wherever this ends.
 */
export async function sweepExports(
  queue: Pick<ExportQueue, "ended" | "forget">,
  blobs: Blobs,
): Promise<void> {
  for (;;) {
    const ended = await queue.ended();
    for (const { id, file } of ended) {
      if (file) await blobs.remove(file);
      await queue.forget(id);
    }
    if (ended.length === 0) return;
  }
}

/** Removes what writers that were killed left in a directory: all that is older than `before`, in milliseconds of the epoch. */
export async function sweepUnfinished(directory: string, before: number): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return [];
  });
  for (const name of names) {
    const path = join(directory, name);
    // Its owner may remove it meanwhile.
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}
