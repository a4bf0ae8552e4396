import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * The text of a file that its owner alone may read. When there is none, it
 * is made of `make`: whole or not at all, on disk when this resolves, and of
 * several that make it at once, one does and all get its text.
 */
export async function privateFile(path: string, make: () => string): Promise<string> {
  const text = await readFile(path, "utf8").catch(unless("ENOENT"));
  if (text !== undefined) return text;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeToDisk(draft, make());
    // Unlike a rename, a link never replaces what somebody else has made meanwhile.
    await link(draft, path).catch(unless("EEXIST"));
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, "utf8");
}

async function writeToDisk(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unless(code: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
  };
}
