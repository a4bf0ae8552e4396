import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server of somebody else's, as a process that tests may stop, hang and kill. */
export interface Server {
  readonly port: number;
  /** `SIGKILL`, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and files. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  hang(): void;
  /** Thaws it. */
  resume(): void;
  /** Kills it and removes its files. */
  stop(): Promise<void>;
}

/** How a server is run. */
export interface ServerOptions {
  readonly command: string;
  /** Its arguments, given a free loopback port and a fresh directory. */
  arguments(port: number, directory: string): readonly string[];
  /** Resolves when it answers. */
  ready(port: number): Promise<void>;
  /** Chosen when it is not given. */
  readonly port?: number;
}

const readyMs = 20_000;

/** Whether the program is installed. With `CI=true` every program has to be. */
export function installed(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI === "true") throw new Error(`${command} is not installed, and CI tests everything`);
    process.stderr.write(
      `\n*** SKIPPED: ${command} is not installed, so what needs it was not tested ***\n\n`,
    );
    return false;
  }
}

/** Starts a server in a fresh directory on a free loopback port. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), `${options.command.replaceAll("/", "-")}-`));
  const port = options.port ?? (await freePort());
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(options.command, [...options.arguments(port, directory)], {
      cwd: directory,
      stdio: "ignore",
    });
    await untilReady(() => options.ready(port));
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  // Also when a test is interrupted, and when the server starts but never answers.
  process.once("exit", () => child?.kill("SIGKILL"));
  await start().catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return {
    port,
    kill,
    restart: start,
    hang: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    async stop() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A TCP port of the loopback interface that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

async function untilReady(ready: () => Promise<void>): Promise<void> {
  const end = Date.now() + readyMs;
  for (;;) {
    try {
      return await ready();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
