import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Blobs } from "./port.js";

const pieceBytes = 65_536;

/** Blobs as files of a directory that one process has to itself, or that all replicas mount. */
export function fileBlobs(directory: string): Blobs {
  const pathOf = (id: string) => join(directory, id);
  return {
    async write(id, content) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = await open(pathOf(id), "w", 0o600);
      try {
        await writeFile(file, content);
        await file.sync();
        return (await file.stat()).size;
      } finally {
        await file.close();
      }
    },
    async read(id) {
      const file = await open(pathOf(id)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      return file?.createReadStream({ highWaterMark: pieceBytes });
    },
    async remove(id) {
      await rm(pathOf(id), { force: true });
    },
  };
}
