import { create, createFileRegistry, type FileRegistry, toBinary } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ServerReflection, type ServerReflectionRequest } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import { reflectDescriptors } from "../../../services/gateway/generic/reflect.js";
import { files } from "./upstreams.js";

const fixture = "fixture.v1.Fixture";
const registry: FileRegistry = createFileRegistry(create(FileDescriptorSetSchema, { file: files }));

type Answer = (request: ServerReflectionRequest["messageRequest"]) => object | undefined;

/** A reflection that answers each question by itself. */
function answering(answer: Answer) {
  const asked: string[] = [];
  const transport = createRouterTransport((router) => {
    router.service(ServerReflection, {
      async *serverReflectionInfo(questions) {
        for await (const { messageRequest } of questions) {
          asked.push(String(messageRequest.value));
          const messageResponse = answer(messageRequest);
          if (messageResponse) yield { messageResponse } as never;
        }
      },
    });
  });
  return { asked, transport };
}

const listing = (...names: string[]) => ({
  case: "listServicesResponse",
  value: { service: names.map((name) => ({ name })) },
});
const sending = (file: FileDescriptorProto | undefined) => ({
  case: "fileDescriptorResponse",
  value: { fileDescriptorProto: file ? [toBinary(FileDescriptorProtoSchema, file)] : [] },
});

describe("reflection", () => {
  it("that sends files one by one is asked for what they import", async () => {
    const { asked, transport } = answering(({ case: kind, value }) => {
      if (kind === "listServices") return listing(fixture, "grpc.reflection.v1.ServerReflection");
      const name = kind === "fileContainingSymbol" ? "fixture.proto" : String(value);
      return sending(registry.getFile(name)?.proto);
    });
    const { services, registry: read } = await reflectDescriptors(transport);
    expect(services.map(({ typeName }) => typeName)).toEqual([fixture]);
    expect(read.getMessage("fixture.v1.Shelf")).toBeDefined();
    expect(asked).toContain("google/api/annotations.proto");
    expect(new Set(asked).size).toBe(asked.length);
  });

  it("that lacks a service it lists is refused", async () => {
    const { transport } = answering(({ case: kind }) =>
      kind === "listServices"
        ? listing(fixture)
        : { case: "errorResponse", value: { errorCode: 5, errorMessage: "unknown symbol" } },
    );
    await expect(reflectDescriptors(transport)).rejects.toThrow(
      `the upstream's reflection lacks ${fixture}: unknown symbol`,
    );
  });

  it("that ends without an answer is refused", async () => {
    const { transport } = answering(() => undefined);
    await expect(reflectDescriptors(transport)).rejects.toThrow(
      "the upstream does not answer reflection: the stream ended without an answer",
    );
  });
});
