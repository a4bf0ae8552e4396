import { readFile } from "node:fs/promises";
import {
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  type FileRegistry,
  fromBinary,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { file_google_api_annotations } from "#gen/ts/google/api/annotations_pb.js";
import { file_google_api_http } from "#gen/ts/google/api/http_pb.js";
import { file_google_api_httpbody } from "#gen/ts/google/api/httpbody_pb.js";
import { file_google_rpc_error_details } from "#gen/ts/google/rpc/error_details_pb.js";
import { UsageError } from "../../kit/usage-error.js";

/** Files that contracts import and compilers may leave out. */
const wellKnown: ReadonlyMap<string, FileDescriptorProto> = new Map(
  [
    file_google_protobuf_any,
    file_google_protobuf_api,
    file_google_protobuf_descriptor,
    file_google_protobuf_duration,
    file_google_protobuf_empty,
    file_google_protobuf_field_mask,
    file_google_protobuf_source_context,
    file_google_protobuf_struct,
    file_google_protobuf_timestamp,
    file_google_protobuf_type,
    file_google_protobuf_wrappers,
    file_google_api_annotations,
    file_google_api_http,
    file_google_api_httpbody,
    file_google_rpc_error_details,
  ].map(({ proto }: DescFile) => [proto.name, proto]),
);

/** Types that every registry has, since details of errors are no part of a method's types. */
const always = ["google/rpc/error_details.proto"];

/** A contract: its types, and the services of it that are served. */
export interface Contract {
  readonly registry: FileRegistry;
  readonly services: readonly DescService[];
}

/** Reads a `FileDescriptorSet` or a Buf image, every service in it. Throws UsageError when the file holds none. */
export async function readDescriptors(path: string): Promise<Contract> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new UsageError(`${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    const registry = linkFiles(fromBinary(FileDescriptorSetSchema, bytes).file);
    return { registry, services: [...registry].filter((type) => type.kind === "service") };
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`${path} is no compiled descriptor set (buf build -o, protoc -o)`, { cause });
  }
}

/** A registry of the files in any order, with well-known imports that they lack. Throws UsageError for other missing ones. */
export function linkFiles(files: readonly FileDescriptorProto[]): FileRegistry {
  const known = new Map([...wellKnown, ...files.map((file) => [file.name, file] as const)]);
  const ordered = new Set<FileDescriptorProto>();
  const visit = (name: string, importer: string, path: ReadonlySet<string>): void => {
    const file = known.get(name);
    if (!file) throw new UsageError(`${importer} imports ${name}, which the descriptors lack`);
    if (ordered.has(file)) return;
    if (path.has(name)) throw new UsageError(`${name} imports itself`);
    for (const dependency of file.dependency) visit(dependency, name, new Set([...path, name]));
    ordered.add(file);
  };
  for (const name of [...files.map((file) => file.name), ...always]) visit(name, "", new Set());
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...ordered] }));
}
