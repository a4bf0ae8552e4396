import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { runBuf } from "../../services/generate/buf.js";
import { type Http2Client, http2ClientNames } from "../../services/kit/peers/wire-pool.js";

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

/** Runs every case of our endpoint; known failures must fail, so that the list stays true. */
function runServer(more: readonly string[]): Promise<number> {
  return runSuite([
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
  ]);
}

/** Runs every case of unary gRPC for one of our clients, of which none may fail. */
function runClient(client: Http2Client, more: readonly string[]): Promise<number> {
  const program = [process.execPath, ".build/test/conformance/client.js", client];
  return runSuite(["--mode", "client", "--conf", "test/conformance/client.yaml", ...more, "--", ...program]);
}

async function runSuite(options: readonly string[]): Promise<number> {
  const child = spawn(runner, options, { stdio: "inherit" });
  const [code] = await once(child, "exit");
  return Number(code ?? 1);
}

await fetchSuite();
const more = process.argv.slice(2);
const codes = [await runServer(more)];
for (const client of http2ClientNames) codes.push(await runClient(client, more));
process.exitCode = Math.max(...codes);
