import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { readCatalogue } from "../../../services/gateway/openapi/catalogue.js";
import { describeApi } from "../../../services/gateway/openapi.js";
import { serviceOf } from "../transcode/fixture.js";

const ours = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync("gen/contract/contract.binpb")),
);
// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape.
const document: any = describeApi({
  title: "Fixture",
  version: "v1",
  description: "Every feature of google.api.http.",
  services: [serviceOf("Fixture")],
  catalogue: readCatalogue(ours),
  policyOf: () => ({ access: "public", permission: undefined, counted: "not" }),
  isSecret: () => false,
});
const everything = document.components.schemas.EverythingInput;

describe("a document of a contract with every feature", () => {
  it("is valid OpenAPI 3.1", async () => {
    expect(await new Validator().validate(structuredClone(document))).toMatchObject({ valid: true });
  });

  it("shows 64-bit numbers as strings and bytes as base64", () => {
    expect(everything.properties.big).toMatchObject({ type: "string", format: "int64" });
    expect(everything.properties.natural).toMatchObject({ type: "string", format: "uint64" });
    expect(everything.properties.blob).toEqual({ type: "string", contentEncoding: "base64" });
  });

  it("shows well-known types as JSON does", () => {
    const { at, span, wrapped_text, wrapped_big, extra, any_json, detail } = everything.properties;
    expect(at).toEqual({ type: "string", format: "date-time" });
    expect(span).toMatchObject({ type: "string" });
    expect(wrapped_text).toEqual({ type: "string" });
    expect(wrapped_big).toMatchObject({ format: "int64" });
    expect(extra).toMatchObject({ type: "object" });
    expect(any_json).toEqual({});
    expect(detail.required).toEqual(["@type"]);
  });

  it("takes one member of a oneof, or none", () => {
    const [left, right, centre, none] = everything.oneOf;
    expect([left, right, centre]).toEqual([
      { required: ["left"] },
      { required: ["right"] },
      { required: ["centre"] },
    ]);
    expect(none).toEqual({ not: { anyOf: [left, right, centre] } });
  });

  it("spells out the wildcards of a template, and its verb", () => {
    const paths = Object.keys(document.paths);
    expect(paths).toContain("/v1/shelves/{text}/books/{text-2}");
    expect(paths).toContain("/v1/text/{text}:cancel");
    const [rest] = document.paths["/v1/files/{text}"].get.parameters;
    expect(rest).toMatchObject({ name: "text", in: "path", required: true });
    expect(rest.description).toContain("slashes");
  });

  it("takes nested fields from the query, but no maps, no messages and nothing recursive", () => {
    const names = document.paths["/v1/everything"].get.parameters.map(({ name }: { name?: string }) => name);
    expect(names).toContain("shelf.theme");
    expect(names).toContain("tags");
    expect(names).not.toContain("labels");
    expect(names).not.toContain("shelves");
    expect(names).not.toContain("shelf.inner.name");
  });

  it("leaves out of the body what the path carries", () => {
    const { schema } = document.paths["/v1/text/{text}:cancel"].post.requestBody.content["application/json"];
    expect(Object.keys(schema.properties)).not.toContain("text");
    expect(Object.keys(schema.properties)).toContain("small");
  });
});
