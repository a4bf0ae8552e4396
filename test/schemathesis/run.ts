import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patientEnvironment } from "../support/patient.js";
import { adminPassword, signIn } from "../support/platform.js";
import { freePorts } from "../support/spawned-platform.js";

const packages = ["schemathesis==4.32.5", "openapi-spec-validator==0.9.0"];
// Kept between runs, and outside the tree: a virtual environment is megabytes of programs.
const environment = join(tmpdir(), "consciousness-engine-schemathesis-4.32.5");
const program = (name: string) => join(environment, "bin", name);

const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
  "allow_header_conformance",
  "ignored_auth",
];

async function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<void> {
  const child = spawn(command, args, { stdio: "inherit", ...options });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}

async function prepare(): Promise<void> {
  if (existsSync(program("schemathesis"))) return;
  await run("python3", ["-m", "venv", environment]);
  await run(program("pip"), ["install", "--quiet", ...packages]);
}

/** The whole platform as a process of its own; resolves when it is ready. */
async function startPlatform(port: number, directory: string): Promise<ChildProcess> {
  const platform = spawn(process.execPath, ["--enable-source-maps", ".build/services/main.js"], {
    env: {
      PATH: process.env.PATH,
      GATEWAY_PORT: String(port),
      DATA_DIR: directory,
      ADMIN_PASSWORD: adminPassword,
      LOG_LEVEL: "error",
      // One caller makes every request here.
      ...patientEnvironment,
      RATE_SIGN_IN_PER_MINUTE: "1000000",
      // And with one token.
      AUTH_ACCESS_TTL: "7200",
    },
    stdio: ["ignore", "inherit", "pipe"],
  });
  let output = "";
  const ready = new Promise<true>((resolve) => {
    platform.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (output.includes("] ready")) resolve(true);
    });
  });
  const started = await Promise.race([ready, once(platform, "exit")]);
  if (started !== true) throw new Error(`the platform did not start:\n${output}`);
  return platform;
}

/** Starts the platform, signs in, and lets schemathesis try every operation of its own document. */
async function attack(more: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "schemathesis-"));
  const { gateway } = await freePorts(["gateway"]);
  const url = `http://127.0.0.1:${gateway}`;
  const platform = await startPlatform(gateway, join(folder, "data"));
  try {
    const arguments_ = [
      "--config-file",
      join(process.cwd(), "test/schemathesis/schemathesis.toml"),
      "run",
      `${url}/openapi.json`,
      "--checks",
      checks.join(","),
      "--phases",
      "examples,coverage,fuzzing",
      "--max-examples",
      "20",
      "--seed",
      "1",
      "--continue-on-failure",
      "--no-shrink",
      "--request-timeout",
      "30",
      ...more,
    ];
    // Its working files go where they are removed.
    await run(program("schemathesis"), arguments_, {
      cwd: folder,
      env: { ...process.env, TOKEN: await signIn(url), LOGOUT_TOKEN: await signIn(url) },
    });
  } finally {
    platform.kill("SIGTERM");
    await once(platform, "exit");
    await rm(folder, { recursive: true, force: true });
  }
}

await prepare();
await run(program("openapi-spec-validator"), ["gen/openapi/openapi.json"]);
await attack(process.argv.slice(2));
