import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, describe, expect, it } from "vitest";
import { linkFiles, readDescriptors } from "../../../services/gateway/generic/descriptors.js";
import { UsageError } from "../../../services/kit/usage-error.js";
import { files } from "./upstreams.js";

const directory = mkdtempSync(join(tmpdir(), "descriptors-"));
afterAll(() => rmSync(directory, { recursive: true }));

function written(content: Uint8Array): string {
  const path = join(directory, `${content.length}.binpb`);
  writeFileSync(path, content);
  return path;
}

const image = (list: typeof files) =>
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: list }));

describe("compiled descriptors", () => {
  it("are read with every service of theirs", async () => {
    const { registry, services } = await readDescriptors(written(image(files)));
    expect(services.map(({ typeName }) => typeName)).toEqual(["fixture.v1.Fixture"]);
    expect(registry.getMessage("google.rpc.ErrorInfo")).toBeDefined();
  });

  it("may be in any order, and lack the imports that everybody has", async () => {
    const own = files.filter(({ name }) => name === "fixture.proto");
    for (const list of [files.toReversed(), own]) {
      expect(
        (await readDescriptors(written(image(list)))).registry.getMessage("fixture.v1.Shelf"),
      ).toBeDefined();
    }
  });

  it("are refused when they lack another import", () => {
    const file = create(FileDescriptorProtoSchema, { name: "a.proto", dependency: ["b.proto"] });
    expect(() => linkFiles([file])).toThrow(
      new UsageError("a.proto imports b.proto, which the descriptors lack"),
    );
  });

  it("are refused when they import themselves", () => {
    const a = create(FileDescriptorProtoSchema, { name: "a.proto", dependency: ["b.proto"] });
    const b = create(FileDescriptorProtoSchema, { name: "b.proto", dependency: ["a.proto"] });
    expect(() => linkFiles([a, b])).toThrow(new UsageError("a.proto imports itself"));
  });

  it("are refused when the file cannot be read or is something else", async () => {
    const missing = join(directory, "missing.binpb");
    await expect(readDescriptors(missing)).rejects.toThrow(`${missing} cannot be read: ENOENT`);
    const garbage = written(Buffer.from("syntax = 'proto3';"));
    await expect(readDescriptors(garbage)).rejects.toThrow(
      `${garbage} is no compiled descriptor set (buf build -o, protoc -o)`,
    );
  });
});
