import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type DirectoryLock,
  DirectoryLockedError,
  lockDirectory,
} from "../../../../services/kit/stores/database/lock.js";
import { compiledPath } from "../../../support/compile.js";

describe("lock of a data directory", () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "lock-"));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  });

  const startHolder = (path = directory) => {
    const child = spawn(process.execPath, [compiledPath("test/support/lock-holder.ts"), path], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    children.push(child);
    return child;
  };
  const firstLine = async (child: ChildProcess): Promise<string> => {
    if (!child.stdout) throw new Error("no output");
    const [line] = await once(createInterface(child.stdout), "line");
    return line;
  };

  it("refuses a second opener in the process, naming directory and holder", async () => {
    const lock = await lockDirectory(directory);
    const refusal = await lockDirectory(directory).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DirectoryLockedError);
    expect((refusal as Error).message).toContain(directory);
    expect((refusal as Error).message).toContain(`process ${process.pid}`);
    await lock.release();
  });

  it("refuses while another process holds the directory, naming it", async () => {
    const child = startHolder();
    expect(await firstLine(child)).toBe("locked");
    await expect(lockDirectory(directory)).rejects.toMatchObject({ directory, holder: child.pid });
  });

  it("takes over after the holder was killed", async () => {
    const child = startHolder();
    expect(await firstLine(child)).toBe("locked");
    process.kill(child.pid ?? 0, "SIGKILL");
    await once(child, "exit");
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toMatchObject({ holder: process.pid });
    await lock.release();
  });

  it("refuses while the holder is stopped and cannot answer", async () => {
    const child = startHolder();
    expect(await firstLine(child)).toBe("locked");
    process.kill(child.pid ?? 0, "SIGSTOP");
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      name: "DirectoryLockedError",
      holder: undefined,
    });
  });

  it("can be taken again after release, and leaves one entry behind", async () => {
    for (let turn = 0; turn < 3; turn++) await (await lockDirectory(directory)).release();
    expect(await readdir(directory)).toHaveLength(1);
  });

  it("lets one of many processes that start at once take over a dead holder's lock", async () => {
    const dead = startHolder();
    await firstLine(dead);
    process.kill(dead.pid ?? 0, "SIGKILL");
    await once(dead, "exit");
    const lines = await Promise.all(Array.from({ length: 6 }, () => firstLine(startHolder())));
    expect(lines.filter((line) => line === "locked")).toHaveLength(1);
    expect(lines.filter((line) => line === "refused DirectoryLockedError")).toHaveLength(5);
  });

  it("gives the lock to one at a time under contention", async () => {
    let holders = 0;
    let taken = 0;
    const contend = async () => {
      for (let turn = 0; turn < 10; turn++) {
        const lock: DirectoryLock | undefined = await lockDirectory(directory).catch((error) => {
          if (error instanceof DirectoryLockedError) return undefined;
          throw error;
        });
        if (!lock) continue;
        taken++;
        holders++;
        expect(holders).toBe(1);
        await new Promise(setImmediate);
        holders--;
        await lock.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, contend));
    expect(taken).toBeGreaterThan(0);
  });

  it("locks a directory whose path is longer than a socket's address", async () => {
    const deep = join(directory, "d".repeat(90), "e".repeat(90));
    await mkdir(deep, { recursive: true });
    const child = startHolder(deep);
    expect(await firstLine(child)).toBe("locked");
    await expect(lockDirectory(deep)).rejects.toMatchObject({ holder: child.pid });
    process.kill(child.pid ?? 0, "SIGKILL");
    await once(child, "exit");
    await (await lockDirectory(deep)).release();
  });
});
