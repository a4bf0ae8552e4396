import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compiledPath } from "../../support/compile.js";
import { connectUpstream, files, type Upstream } from "./upstreams.js";

const directory = mkdtempSync(join(tmpdir(), "generic-run-"));
const image = join(directory, "image.binpb");
let upstream: Upstream;

beforeAll(async () => {
  writeFileSync(image, toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files })));
  upstream = await connectUpstream("2");
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await upstream.stop();
});

function run(...args: string[]) {
  const child = spawn(process.execPath, [compiledPath("services/main.ts"), "gateway", ...args], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { out: "", told: "" };
  child.stdout.on("data", (chunk) => {
    texts.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    texts.told += chunk;
  });
  return { child, texts, exit: once(child, "exit") };
}

it("npm start -- gateway --descriptors serves until it is told to stop", async () => {
  const { child, texts, exit } = run("--descriptors", image, "--upstream", upstream.url, "--port", "0");
  while (!texts.told.includes("] ready")) await Promise.race([once(child.stderr, "data"), exit]);
  const [, url] = /routes of \S+ at (http:\/\/\S+)\n/.exec(texts.told) ?? [];
  const answer = await fetch(`${url}/v1/text/a`);
  expect(await answer.json()).toMatchObject({ text: "a" });
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  expect(JSON.parse(texts.out.split("\n")[0] ?? "")).toMatchObject({
    service: "gateway",
    message: "request answered",
    metadata: { path: "/v1/text/a", status: 200 },
  });
});

it("npm start -- gateway --upstream says what is missing", async () => {
  const { texts, exit } = run("--upstream", "nonsense");
  expect(await exit).toEqual([1, null]);
  expect(texts.told).toMatch(/^give either --descriptors.*\n--upstream must be a URL.*\nusage: npm start/);
});
