import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const image = readFileSync(`${process.cwd()}/test/kit/codec/fixture.binpb`);

/** The contract of fixture.proto and the files it imports. */
export const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));

export function messageOf(name: string): DescMessage {
  const message = registry.getMessage(`codec.v1.${name}`) ?? registry.getMessage(name);
  if (!message) throw new Error(`fixture.proto has no message ${name}`);
  return message;
}
