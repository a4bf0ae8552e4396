import { spawn } from "node:child_process";
import { once } from "node:events";

const file = "/run/consciousness-mesh-lab.lock";
/** Exit code of flock when another process has the lock. */
const taken = 75;

/**
 * Takes the machine's one lab for as long as this process lives, or until the
 * returned function is called; throws when another process has it. The kernel
 * gives it back whatever becomes of us.
 */
export async function claimLab(): Promise<() => void> {
  const child = spawn("flock", ["--nonblock", "--conflict-exit-code", String(taken), file, "cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => undefined);
  // `cat` answers once the lock is ours, and ends with us, as nothing writes to it any more.
  child.stdin.write("\n");
  const code = await Promise.race([
    once(child.stdout, "data").then(() => undefined),
    once(child, "exit").then(([status]) => status as number),
  ]);
  if (code === taken) throw new Error("another process uses the mesh lab; there is one for each machine");
  if (code !== undefined) throw new Error(`flock ended with ${code}`);
  child.unref();
  return () => child.stdin.end();
}
