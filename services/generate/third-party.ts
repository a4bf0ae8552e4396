import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { runNpm } from "./buf.js";
import { printProto } from "./proto-printer.js";

// Packed rather than installed: 88 MB, of which we need seven files.
const googleProtos = "google-proto-files@5.0.3";
const googleFiles = [
  "api/annotations",
  "api/field_behavior",
  "api/http",
  "api/httpbody",
  "rpc/code",
  "rpc/error_details",
  "rpc/status",
].map((name) => `google/${name}.proto`);

/**
 * Writes the contracts of others, which ours import, into `directory`. No
 * schema registry is needed: all of them come from npm packages. Does nothing
 * when the directory already holds this selection.
 */
export async function fetchThirdPartyProtos(directory: string): Promise<void> {
  const stamp = path.join(directory, `${googleProtos}.stamp`);
  if (await exists(stamp)) return;
  await rm(directory, { recursive: true, force: true });
  await copyGoogleProtos(directory);
  await copyGrpcProtos(directory);
  await write(directory, "buf/validate/validate.proto", printProto(file_buf_validate_validate));
  await writeFile(stamp, "");
}

async function copyGoogleProtos(directory: string): Promise<void> {
  const work = await mkdtemp(path.join(tmpdir(), "protos-"));
  try {
    await runNpm(["pack", googleProtos, "--silent", "--pack-destination", work]);
    const tarball = path.join(work, `${googleProtos.replace("@", "-")}.tgz`);
    const tar = spawn("tar", ["-xzf", tarball, "-C", work, ...googleFiles.map((file) => `package/${file}`)]);
    const [code] = await once(tar, "exit");
    if (code !== 0) throw new Error(`tar could not unpack ${tarball}`);
    for (const file of googleFiles) {
      await copy(path.join(work, "package", file), path.join(directory, file));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function copyGrpcProtos(directory: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const health = path.dirname(require.resolve("grpc-health-check/package.json"));
  const reflection = path.dirname(require.resolve("@grpc/reflection/package.json"));
  await copy(
    path.join(health, "proto/health/v1/health.proto"),
    path.join(directory, "grpc/health/v1/health.proto"),
  );
  for (const version of ["v1", "v1alpha"]) {
    const file = `grpc/reflection/${version}/reflection.proto`;
    await copy(path.join(reflection, "build/proto", file), path.join(directory, file));
  }
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await cp(from, to);
}

async function write(directory: string, file: string, text: string): Promise<void> {
  const target = path.join(directory, file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
