import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const python = process.env.CHDB_PYTHON ?? "python3";
const script = fileURLToPath(new URL("chdb-http.py", import.meta.url));

/** Whether there is a Python with chdb, `CHDB_PYTHON` or the system's. With `CI=true` there has to be. */
export const chdbInstalled = hasChdb();

/** ClickHouse's engine behind as much of its HTTP interface as its client uses. */
export interface Chdb {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the engine with empty tables, on a free loopback port. */
export async function startChdb(): Promise<Chdb> {
  const directory = await mkdtemp(join(tmpdir(), "chdb-"));
  const child = spawn(python, [script, directory], { stdio: ["pipe", "pipe", "inherit"] });
  const gone = once(child, "exit");
  const [port] = await Promise.race([once(createInterface(child.stdout), "line"), gone]);
  if (child.exitCode !== null) throw new Error("chdb ended before it listened");
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill("SIGKILL");
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function hasChdb(): boolean {
  try {
    execFileSync(python, ["-c", "import chdb"], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI === "true") throw new Error(`${python} has no chdb, and CI tests everything`);
    process.stderr.write(
      `\n*** SKIPPED: ${python} has no chdb (pip install chdb), so ClickHouse's SQL was not tested ***\n\n`,
    );
    return false;
  }
}
