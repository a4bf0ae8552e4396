import {
  clearField,
  create,
  createFileRegistry,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  setExtension,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { LoginRequestSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { DataClass, data } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { dataClassOf, isRedacted, redactFields } from "../../../services/kit/contract/data-class.js";

const T = FieldDescriptorProto_Type;

/** A recursive message with one field of every kind that the contract has no example of. */
function treeSchema(): DescMessage {
  const options = (dataClass: DataClass) => {
    const fieldOptions = create(FieldOptionsSchema);
    setExtension(fieldOptions, data, dataClass);
    return fieldOptions;
  };
  const repeated = { label: FieldDescriptorProto_Label.REPEATED };
  const tree = { type: T.MESSAGE, typeName: ".test.Tree" };
  const entry = (name: string, value: object) => ({
    name,
    options: { mapEntry: true },
    field: [
      { name: "key", number: 1, type: T.STRING },
      { name: "value", number: 2, ...value },
    ],
  });
  const field = [
    { name: "label", number: 1, type: T.STRING, options: options(DataClass.PUBLIC) },
    { name: "secret", number: 2, type: T.STRING, options: options(DataClass.RESTRICTED) },
    { name: "child", number: 3, ...tree },
    { name: "children", number: 4, ...tree, ...repeated },
    { name: "by_name", number: 5, type: T.MESSAGE, typeName: ".test.Tree.ByNameEntry", ...repeated },
    {
      name: "notes",
      number: 6,
      type: T.MESSAGE,
      typeName: ".test.Tree.NotesEntry",
      ...repeated,
      options: options(DataClass.CONFIDENTIAL),
    },
    { name: "blob", number: 7, type: T.BYTES },
    { name: "extra", number: 8, type: T.MESSAGE, typeName: ".google.protobuf.Struct" },
    { name: "tags", number: 9, type: T.STRING, ...repeated },
    { name: "text", number: 10, type: T.STRING, oneofIndex: 0 },
    { name: "hidden", number: 11, type: T.STRING, oneofIndex: 0, options: options(DataClass.CONFIDENTIAL) },
    { name: "hidden_child", number: 12, ...tree, options: options(DataClass.CONFIDENTIAL) },
    { name: "unstated", number: 13, type: T.INT64, options: options(DataClass.UNSPECIFIED) },
  ].map((init) => ({ label: FieldDescriptorProto_Label.OPTIONAL, ...init }));
  const file = create(FileDescriptorProtoSchema, {
    name: "test/tree.proto",
    package: "test",
    syntax: "proto3",
    dependency: ["google/protobuf/struct.proto"],
    messageType: [
      {
        name: "Tree",
        field: field as FieldDescriptorProto[],
        oneofDecl: [{ name: "choice" }],
        nestedType: [entry("ByNameEntry", tree), entry("NotesEntry", { type: T.STRING })],
      },
    ],
  });
  const registry = createFileRegistry(file, () => file_google_protobuf_struct);
  const schema = registry.getMessage("test.Tree");
  if (!schema) throw new Error("the schema has no Tree");
  return schema;
}

const Tree = treeSchema();
const redactTree = (json: JsonValue) => redactFields(Tree, fromJson(Tree, json));

describe("dataClassOf", () => {
  it.each([
    ["what the contract says", LoginRequestSchema.field.password, DataClass.RESTRICTED],
    ["INTERNAL where it says nothing", DecisionSchema.field.requestId, DataClass.INTERNAL],
    ["INTERNAL where it says UNSPECIFIED", Tree.field.unstated, DataClass.INTERNAL],
    ["PUBLIC", Tree.field.label, DataClass.PUBLIC],
  ])("is %s", (_, field, dataClass) => expect(field && dataClassOf(field)).toBe(dataClass));
});

describe("redactFields", () => {
  it("shows the class instead of what users write and of credentials", () => {
    const message = create(LoginRequestSchema, { username: "ada", password: "hunter2" });
    expect(redactFields(LoginRequestSchema, message)).toEqual({
      username: "[confidential]",
      password: "[restricted]",
    });
  });

  it("shows public and internal fields, and leaves unset ones out", () => {
    const decision = create(DecisionSchema, {
      id: "d-1",
      verdict: Verdict.BLOCKED,
      input: "my diary",
      context: { mood: "low" },
      evidence: [{ number: 1, passage: "my diary", passageSpans: [{ start: 1, end: 4 }] }],
      createTime: { seconds: 0n, nanos: 0 },
    });
    expect(redactFields(DecisionSchema, decision)).toEqual({
      id: "d-1",
      verdict: "VERDICT_BLOCKED",
      input: "[confidential]",
      context: "[confidential]",
      evidence: [{ number: 1, passage: "[confidential]", passage_spans: [{ start: 1, end: 4 }] }],
      create_time: "1970-01-01T00:00:00Z",
    });
  });

  it("redacts at every depth: in messages, lists, maps and oneofs", () => {
    const secret = { label: "a", secret: "s3cret" };
    const shown = redactTree({
      child: { child: secret },
      children: [secret],
      by_name: { x: secret },
      notes: { diary: "s3cret" },
      hidden: "s3cret",
      hidden_child: secret,
    });
    const redacted = { label: "a", secret: "[restricted]" };
    expect(shown).toEqual({
      child: { child: redacted },
      children: [redacted],
      by_name: { x: redacted },
      notes: "[confidential]",
      hidden: "[confidential]",
      hidden_child: "[confidential]",
    });
    expect(JSON.stringify(shown)).not.toContain("s3cret");
  });

  it("does not look into types that the contract does not describe", () => {
    expect(redactTree({ extra: { diary: "s3cret" } })).toEqual({ extra: "[opaque]" });
    const event = create(EventSchema, {
      id: "e",
      version: 7n,
      payload: { typeUrl: "x/y", value: new Uint8Array(3) },
    });
    expect(redactFields(EventSchema, event)).toEqual({ id: "e", version: "7", payload: "[opaque]" });
    const { message: struct, desc } = reflect(file_google_protobuf_struct.messages[0] as DescMessage);
    expect(redactFields(desc, struct)).toEqual({});
  });

  it("shows the size of bytes, and masks what looks like a secret in plain fields", () => {
    expect(redactTree({ blob: "AAAA", text: "password=hunter2", unstated: "9007199254740993" })).toEqual({
      blob: "[3 bytes]",
      text: "password=[redacted]",
      unstated: "9007199254740993",
    });
  });

  it("says that a time out of range is not valid instead of failing", () => {
    const event = create(EventSchema, { time: { seconds: 10n ** 15n } });
    expect(redactFields(EventSchema, event)).toEqual({ time: "[not valid]" });
  });

  it("is bounded in depth, items, characters and values", () => {
    const deep = Array.from({ length: 50 }).reduce<JsonObject>((child) => ({ child }), { label: "leaf" });
    expect(JSON.stringify(redactTree(deep))).toBe(`${'{"child":'.repeat(6)}"[too deep]"${"}".repeat(6)}`);
    expect(redactTree({ tags: Array(1_000).fill("t") }).tags).toHaveLength(20);
    expect(redactTree({ label: "x".repeat(1_000) }).label).toBe(`${"x".repeat(200)}…`);
    const wide = (depth: number): JsonObject =>
      depth === 0 ? { label: "leaf" } : { children: Array(20).fill(wide(depth - 1)) };
    const text = JSON.stringify(redactTree(wide(3)));
    expect(text.length).toBeLessThan(20_000);
    expect(text).toContain("[cut]");
  });

  it("is recognised, and nothing else is", () => {
    const message = create(LoginRequestSchema, { username: "ada" });
    expect(isRedacted(redactFields(LoginRequestSchema, message))).toBe(true);
    for (const other of [{ username: "ada" }, message, null, "text"]) expect(isRedacted(other)).toBe(false);
  });

  it("leaves the message as it was", () => {
    const message = create(LoginRequestSchema, { username: "ada", password: "hunter2" });
    redactFields(LoginRequestSchema, message);
    expect(message).toMatchObject({ username: "ada", password: "hunter2" });
    clearField(message, LoginRequestSchema.field.password);
    expect(redactFields(LoginRequestSchema, message)).toEqual({ username: "[confidential]" });
  });
});
