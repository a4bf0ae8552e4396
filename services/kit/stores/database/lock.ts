import { createHash, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, realpath, rename, rm, symlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Another process has the data directory open. */
export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";

  constructor(
    readonly directory: string,
    /** Process id of the holder; undefined when it did not tell in time. */
    readonly holder: number | undefined,
  ) {
    const who = holder === undefined ? "another process" : `process ${holder}`;
    super(`The data directory ${directory} is in use by ${who}. Stop it first, or choose another directory.`);
  }
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/** What a socket says of its listener. */
type Listener = { readonly alive: false } | { readonly alive: true; readonly pid: number | undefined };

// `sun_path` holds 108 bytes on Linux and 104 on macOS, and Node cuts longer ones silently.
const socketPathBytes = 100;
const claimAttempts = 50;
const answerMs = 500;

/**
 * Locks a data directory for this process, until released or until the process
 * ends in whatever way: a listening socket dies with its owner, unlike a lock
 * file. Throws `DirectoryLockedError` when the holder's socket takes connections.
 *
 * On POSIX the socket lies in `lock.<n>/` in the directory, `n` one more than the
 * last holder's. A listening socket is moved there by `rename`, which fails when
 * the name is taken, so of two starters that find the same dead holder one wins.
 * The last `lock.<n>/` stays behind on purpose, since counting anew would let a
 * slow starter win an `n` of the past. On Windows it is a named pipe, which the
 * system keeps unique.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const real = await realpath(directory);
  const server = process.platform === "win32" ? await lockByPipe(real) : await lockBySocket(real);
  return { release: () => close(server) };
}

async function lockByPipe(directory: string): Promise<Server> {
  const id = createHash("sha256").update(directory.toLowerCase()).digest("hex");
  const pipe = `\\\\.\\pipe\\consciousness-${id}`;
  return listen(pipe).catch(async (error) => {
    if (error.code !== "EADDRINUSE") throw error;
    const listener = await ask(pipe);
    throw new DirectoryLockedError(directory, listener.alive ? listener.pid : undefined);
  });
}

async function lockBySocket(directory: string): Promise<Server> {
  const entry = `lock.new-${randomUUID()}`;
  const alias = await shortAlias(directory, join(entry, "socket"));
  let server: Server | undefined;
  try {
    await mkdir(join(directory, entry), { mode: 0o700 });
    server = await listen(join(alias.path, entry, "socket"));
    await claim(directory, alias.path, entry);
    return server;
  } catch (error) {
    if (server) await close(server);
    await rm(join(directory, entry), { recursive: true, force: true });
    throw error;
  } finally {
    await alias.remove();
  }
}

/** The directory by a path so short that sockets in it can be named: its own, or a temporary link to it. */
async function shortAlias(directory: string, socket: string) {
  if (Buffer.byteLength(join(directory, socket)) <= socketPathBytes) {
    return { path: directory, remove: async () => {} };
  }
  const folder = await mkdtemp(join(tmpdir(), "ce-"));
  const path = join(folder, "d");
  await symlink(directory, path);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Makes `entry` the newest lock of the directory, unless the newest is alive. */
async function claim(directory: string, alias: string, entry: string): Promise<void> {
  let mine = entry;
  for (let attempt = 0; attempt < claimAttempts; attempt++) {
    const newest = await newestLock(directory);
    if (mine === lockName(newest)) return removeOlder(directory, newest);
    const listener: Listener =
      newest === 0 ? { alive: false } : await ask(join(alias, lockName(newest), "socket"));
    if (listener.alive) {
      await rm(join(directory, mine), { recursive: true, force: true });
      throw new DirectoryLockedError(directory, listener.pid);
    }
    // Seen again at the next turn: a starter that counted while older locks were removed may be behind.
    if (await moved(join(directory, mine), join(directory, lockName(newest + 1))))
      mine = lockName(newest + 1);
  }
  throw new DirectoryLockedError(directory, undefined);
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}

async function locks(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => (/^lock\.\d+$/.test(name) ? [Number(name.slice("lock.".length))] : []));
}

async function newestLock(directory: string): Promise<number> {
  return Math.max(0, ...(await locks(directory)));
}

async function removeOlder(directory: string, newest: number): Promise<void> {
  const older = (await locks(directory)).filter((n) => n < newest);
  await Promise.all(older.map((n) => rm(join(directory, lockName(n)), { recursive: true, force: true })));
}

function lockName(n: number): string {
  return `lock.${n}`;
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write(`${process.pid}\n`);
    socket.destroySoon();
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Connects to a socket. One that takes the connection is alive, though a busy owner may not tell its id in time. */
function ask(path: string): Promise<Listener> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let text = "";
    const settle = (listener: Listener) => {
      socket.destroy();
      resolve(listener);
    };
    const told = () => settle({ alive: true, pid: /^\d+\n$/.test(text) ? Number(text) : undefined });
    socket.setEncoding("utf8").setTimeout(answerMs, told);
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > 20) told();
    });
    socket.on("end", told);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const dead = error.code === "ECONNREFUSED" || error.code === "ENOENT";
      settle(dead ? { alive: false } : { alive: true, pid: undefined });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
