import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";

// Fetched when needed rather than installed: 93 MB that only the contract's authors use.
const buf = "@bufbuild/buf@1.75.0";

/** Runs the pinned buf with `args` in the working directory; rejects when it fails. */
export function runBuf(args: readonly string[]): Promise<void> {
  return runNpm(["exec", "--yes", `--package=${buf}`, "--", "buf", ...args]);
}

/** Runs npm with `args`; its output goes to ours. */
export function runNpm(args: readonly string[], cwd?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["--loglevel=error", ...args], {
      cwd,
      stdio: ["ignore", "inherit", "inherit"],
      shell: process.platform === "win32",
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`npm ${args.join(" ")} ended with ${code}`)),
    );
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await runBuf(process.argv.slice(2)).catch(() => {
    process.exitCode = 1;
  });
}
