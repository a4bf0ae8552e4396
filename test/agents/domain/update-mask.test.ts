import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentSchema, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { changedFields, selectFields, withFields } from "../../../services/agents/domain/update-mask.js";
import { thrownBy } from "../../support/expect-reason.js";

const agent = (init: MessageInitShape<typeof AgentSchema>) => create(AgentSchema, init);

const current = agent({
  id: "0190f0f0-0000-7000-8000-000000000001",
  name: "Ada",
  description: "Answers questions",
  agentType: "support",
  configuration: { providerId: "local", instructions: "Be brief.", goals: ["help"] },
  knowledge: [{ title: "Hours", text: "Open at nine." }],
  status: AgentStatus.ACTIVE,
  owner: "user-1",
});
const wanted = agent({
  id: "0190f0f0-0000-7000-8000-000000000002",
  name: "Bob",
  agentType: "sales",
  configuration: { instructions: "Be kind." },
  knowledge: [{ title: "Prices", text: "Ten." }],
  status: AgentStatus.INACTIVE,
  owner: "user-2",
  etag: "other",
});
const everyField = ["name", "description", "agent_type", "configuration", "knowledge", "status"];

function apply(...paths: string[]) {
  return withFields(current, wanted, selectFields(paths));
}

describe("update mask", () => {
  it.each([[[]], [["*"]], [["name", "*"]], [everyField]])(
    "replaces every changeable field for %j",
    (paths) => {
      const next = apply(...paths);
      expect(next).toMatchObject({ id: current.id, owner: "user-1", etag: "", name: "Bob", description: "" });
      expect(next.configuration).toMatchObject({ providerId: "", instructions: "Be kind.", goals: [] });
      expect(next.knowledge).toMatchObject([{ title: "Prices" }]);
      expect(changedFields(current, next)).toEqual(everyField);
    },
  );

  it.each(everyField)("changes %s alone", (path) => {
    expect(changedFields(current, apply(path))).toEqual([path]);
  });

  it("clears a named field that the new values lack", () => {
    expect(apply("description").description).toBe("");
    const bare = withFields(current, agent({}), selectFields(["configuration", "knowledge"]));
    expect(bare.configuration).toMatchObject({ providerId: "", instructions: "", goals: [] });
    expect(bare.knowledge).toEqual([]);
  });

  it("changes one field inside the configuration and keeps the others", () => {
    const next = apply("configuration.instructions");
    expect(next.configuration).toMatchObject({
      providerId: "local",
      instructions: "Be kind.",
      goals: ["help"],
    });
    expect(changedFields(current, next)).toEqual(["configuration"]);
  });

  it("clears one field inside the configuration", () => {
    expect(apply("configuration.goals").configuration).toMatchObject({ providerId: "local", goals: [] });
  });

  it("sets and clears how answers may be given again", () => {
    const path = selectFields(["configuration.answer_reuse"]);
    const reusing = agent({ configuration: { answerReuse: { maxAgeSeconds: 60 } } });
    const next = withFields(current, reusing, path);
    expect(next.configuration).toMatchObject({ providerId: "local", answerReuse: { maxAgeSeconds: 60 } });
    expect(changedFields(current, next)).toEqual(["configuration"]);
    expect(withFields(next, agent({}), path).configuration?.answerReuse).toBeUndefined();
  });

  it("sets a field inside a configuration that was absent", () => {
    const next = withFields(agent({}), wanted, selectFields(["configuration.instructions"]));
    expect(next.configuration?.instructions).toBe("Be kind.");
  });

  it("takes the etag as the condition that it is", () => {
    expect(changedFields(current, apply("etag"))).toEqual([]);
    expect(changedFields(current, apply("etag", "name"))).toEqual(["name"]);
  });

  it.each(["id", "owner", "create_time", "update_time"])("ignores the output-only path %j", (path) => {
    expect(selectFields([path]).size).toBe(0);
    expect(changedFields(current, apply(path, "name"))).toEqual(["name"]);
  });

  it.each([
    "nothing",
    "",
    "agentType",
    "agent.name",
    "name.first",
    "configuration.",
    "configuration.url",
    "configuration.providerId",
    "configuration.*",
    "configuration.goals.0",
    "knowledge.title",
    "configuration.name",
    "instructions",
    "__proto__",
  ])("refuses the path %j", (path) => {
    expect(thrownBy(() => selectFields(["name", path]))).toEqual({
      code: "InvalidArgument",
      reason: "FIELD_MASK_INVALID",
      metadata: { path },
    });
  });

  it("changes nothing outside the mask and leaves its arguments as they were", () => {
    const before = JSON.stringify([current, wanted]);
    fc.assert(
      fc.property(fc.subarray(everyField, { minLength: 1 }), (paths) => {
        expect(changedFields(current, apply(...paths))).toEqual(everyField.filter((f) => paths.includes(f)));
      }),
    );
    expect(JSON.stringify([current, wanted])).toBe(before);
  });

  it("finds no change between equal states", () => {
    expect(changedFields(current, withFields(current, current, selectFields([])))).toEqual([]);
  });
});
