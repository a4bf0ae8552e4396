import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { privateFile } from "../../../services/kit/sealing/private-file.js";
import { testDirectory } from "../../auth/support/auth.js";

let directory: Awaited<ReturnType<typeof testDirectory>>;
beforeEach(async () => {
  directory = await testDirectory();
});
afterEach(() => directory.remove());

describe("a private file", () => {
  it("is made once, in a folder made on demand, readable by its owner alone", async () => {
    const path = join(directory.path, "new", "secret");
    expect(await privateFile(path, () => "first")).toBe("first");
    expect(await privateFile(path, () => "second")).toBe("first");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
  });

  it("is the same for all who make it at once, and leaves no drafts", async () => {
    const path = join(directory.path, "secret");
    const texts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => privateFile(path, () => `text ${i}`)),
    );
    expect(new Set(texts).size).toBe(1);
    expect(await readdir(directory.path)).toEqual(["secret"]);
  });

  it("is not made where there cannot be one, and leaves no draft there", async () => {
    await expect(privateFile(directory.path, () => "text")).rejects.toThrow(/EISDIR/);
    expect(await readdir(directory.path)).toEqual([]);
  });
});
