import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { writeKubernetes } from "../../k8s/generate.js";
import { writeObservability } from "../../k8s/observability/generate.js";
import { writeMesh } from "../../mesh/generate.js";
import { writeShippedPolicy } from "../engine/domain/policy/shipped-document.js";
import { writeOpenapi } from "../gateway/openapi.js";
import { runBuf } from "./buf.js";
import { writeDocuments } from "./documents.js";
import { writeErrorParams } from "./error-params.js";
import { fetchThirdPartyProtos } from "./third-party.js";

/** Derives files from the compiled contract: path from the root → text. */
export type Writer = (image: FileRegistry) => Map<string, string>;

// Every writer, each kept beside what it writes. `generate` and `generate --check` both run this list.
const writers: readonly Writer[] = [
  writeErrorParams,
  writeOpenapi,
  writeDocuments,
  writeMesh,
  writeKubernetes,
  writeObservability,
  writeShippedPolicy,
];
const writtenFolders = [
  "gen",
  "mesh/generated",
  "k8s/base/generated",
  "k8s/components/monitoring/generated",
  "k8s/components/grafana/generated",
];
const imageFile = "gen/contract/contract.binpb";

/** Writes everything that is derived from the contract below `out`. */
async function generate(out: string): Promise<void> {
  await fetchThirdPartyProtos(".protos");
  await runBuf(["generate", "-o", out]);
  await mkdir(path.join(out, path.dirname(imageFile)), { recursive: true });
  await runBuf(["build", "-o", path.join(out, imageFile)]);
  const image = fromBinary(FileDescriptorSetSchema, await readFile(path.join(out, imageFile)));
  for (const writer of writers) {
    for (const [file, text] of writer(createFileRegistry(image))) {
      await mkdir(path.dirname(path.join(out, file)), { recursive: true });
      await writeFile(path.join(out, file), text);
    }
  }
}

/** Compares what would be generated with what is committed; returns the paths that differ. */
async function stale(): Promise<string[]> {
  const fresh = await mkdtemp(path.join(tmpdir(), "generate-"));
  try {
    await generate(fresh);
    const differing = await Promise.all(writtenFolders.map((folder) => differences(fresh, ".", folder)));
    return differing.flat();
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function differences(fresh: string, committed: string, folder: string): Promise<string[]> {
  const names = new Set([
    ...(await filesBelow(path.join(fresh, folder))),
    ...(await filesBelow(path.join(committed, folder))),
  ]);
  const differing: string[] = [];
  for (const name of [...names].sort()) {
    const [a, b] = await Promise.all(
      [fresh, committed].map((root) => readFile(path.join(root, folder, name)).catch(() => undefined)),
    );
    if (!a || !b || !a.equals(b)) differing.push(path.join(folder, name));
  }
  return differing;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

if (process.argv.includes("--check")) {
  const files = await stale();
  for (const file of files) process.stderr.write(`stale: ${file}\n`);
  process.stdout.write(files.length === 0 ? "generated files are up to date\n" : "run `npm run generate`\n");
  process.exitCode = files.length === 0 ? 0 : 1;
} else {
  await generate(".");
}
