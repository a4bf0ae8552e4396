import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { runBuf } from "../../services/generate/buf.js";

const module = "connectrpc.com/conformance";
const version = "v1.0.5";
const folder = path.resolve(".build/conformance");
const runner = path.join(folder, "connectconformance");
const run = promisify(execFile);

/** Builds the suite's runner with Go, and compiles its contract. */
async function fetchSuite(): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (!existsSync(runner)) {
    const env = { ...process.env, GOBIN: folder, GOFLAGS: "-p=1" };
    await run("go", ["install", `${module}/cmd/connectconformance@${version}`], { env });
  }
  const { stdout } = await run("go", ["mod", "download", "-json", `${module}@${version}`]);
  const { Dir: source } = JSON.parse(stdout) as { Dir: string };
  await runBuf(["build", path.join(source, "proto"), "-o", path.join(folder, "image.binpb")]);
}

/** Runs every case; known failures must fail, so that the list stays true. */
async function runSuite(more: readonly string[]): Promise<number> {
  const child = spawn(
    runner,
    [
      "--mode",
      "server",
      "--conf",
      "test/conformance/config.yaml",
      "--known-failing",
      "@test/conformance/known-failing.txt",
      "--known-flaky",
      "@test/conformance/known-flaky.txt",
      "--max-servers",
      "2",
      "--parallel",
      "4",
      ...more,
      "--",
      process.execPath,
      ".build/test/conformance/server.js",
    ],
    { stdio: "inherit" },
  );
  const [code] = await once(child, "exit");
  return Number(code ?? 1);
}

await fetchSuite();
process.exitCode = await runSuite(process.argv.slice(2));
