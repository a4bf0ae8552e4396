import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import {
  CreateAgentRequestSchema,
  DeleteAgentRequestSchema,
  GetAgentRequestSchema,
  ListAgentsRequestSchema,
  UpdateAgentRequestSchema,
} from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";

const validator = createValidator();
const id = "0190f0f0-0000-7000-8000-000000000001";

/** What the contract says of a message: `valid`, or the broken fields and rules. */
function verdict<S extends DescMessage>(schema: S, init: MessageInitShape<S>): string {
  const result = validator.validate(schema, create(schema, init));
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return "valid";
  return result.violations.map((one) => one.ruleId).join(", ");
}

type Case<S extends DescMessage> = [promise: string, init: MessageInitShape<S>];
type Refusal<S extends DescMessage> = [promise: string, init: MessageInitShape<S>, rules: string];

function rules<S extends DescMessage>(schema: S, allowed: Case<S>[], refused: Refusal<S>[]): void {
  describe(schema.name, () => {
    it.each(allowed)("admits %s", (_, init) => {
      expect(verdict(schema, init)).toBe("valid");
    });
    it.each(refused)("refuses %s", (_, init, expected) => {
      expect(verdict(schema, init)).toBe(expected);
    });
  });
}

const named = { name: "Ada", agentType: "support" };
const text = (length: number) => "é".repeat(length);
const document = { title: "Hours", text: "Open at nine." };

rules(
  CreateAgentRequestSchema,
  [
    ["a name and a type", { agent: named }],
    ["any text but NUL", { agent: { ...named, description: "Zeile\n\t\u0001 – 🙂", knowledge: [document] } }],
    ["the longest texts", { agent: { name: text(100), agentType: text(50), description: text(2000) } }],
    [
      "the fullest configuration",
      {
        agent: {
          ...named,
          configuration: {
            providerId: `a${"-".repeat(61)}z`,
            instructions: text(8000),
            goals: Array<string>(16).fill(text(500)),
          },
        },
      },
    ],
    [
      "64 documents of 20,000 characters",
      { agent: { ...named, knowledge: Array(64).fill({ title: text(200), text: text(20_000) }) } },
    ],
    ["a status", { agent: { ...named, status: AgentStatus.ACTIVE } }],
  ],
  [
    ["no agent", {}, "required, agent.name, agent.agent_type"],
    ["an empty agent", { agent: {} }, "agent.name, agent.agent_type"],
    ["an empty name", { agent: { ...named, name: "" } }, "agent.name"],
    ["an empty type", { agent: { ...named, agentType: "" } }, "agent.agent_type"],
    ["a name of 101 characters", { agent: { ...named, name: text(101) } }, "string.max_len"],
    ["a type of 51 characters", { agent: { ...named, agentType: text(51) } }, "string.max_len"],
    ["a description of 2,001 characters", { agent: { ...named, description: text(2001) } }, "string.max_len"],
    ["an unknown status", { agent: { ...named, status: 9 as AgentStatus } }, "enum.defined_only"],
    [
      "a URL as provider",
      { agent: { ...named, configuration: { providerId: "https://x" } } },
      "string.pattern",
    ],
    [
      "instructions of 8,001 characters",
      { agent: { ...named, configuration: { instructions: text(8001) } } },
      "string.max_len",
    ],
    [
      "17 goals",
      { agent: { ...named, configuration: { goals: Array<string>(17).fill("x") } } },
      "repeated.max_items",
    ],
    ["an empty goal", { agent: { ...named, configuration: { goals: [""] } } }, "string.min_len"],
    ["65 documents", { agent: { ...named, knowledge: Array(65).fill(document) } }, "repeated.max_items"],
    ["a document without title", { agent: { ...named, knowledge: [{ text: "x" }] } }, "string.min_len"],
    ["a document without text", { agent: { ...named, knowledge: [{ title: "x" }] } }, "string.min_len"],
    [
      "a document of 20,001 characters",
      { agent: { ...named, knowledge: [{ title: "x", text: text(20_001) }] } },
      "string.max_len",
    ],
    ["NUL in the name", { agent: { ...named, name: "A\u0000" } }, "string.pattern"],
    ["NUL in the type", { agent: { ...named, agentType: "\u0000" } }, "string.pattern"],
    ["NUL in the description", { agent: { ...named, description: "\u0000" } }, "string.pattern"],
    [
      "NUL in the instructions",
      { agent: { ...named, configuration: { instructions: "a\u0000b" } } },
      "string.pattern",
    ],
    ["NUL in a goal", { agent: { ...named, configuration: { goals: ["ok", "\u0000"] } } }, "string.pattern"],
    [
      "NUL in knowledge",
      { agent: { ...named, knowledge: [{ title: "\u0000", text: "\u0000" }] } },
      "string.pattern, string.pattern",
    ],
  ],
);

const mask = (...paths: string[]) => ({ updateMask: { paths } });

rules(
  UpdateAgentRequestSchema,
  [
    ["a full replacement without a mask", { agent: { id, ...named } }],
    ["a full replacement by *", { agent: { id, ...named }, ...mask("*") }],
    ["a part without name and type", { agent: { id, description: "New" }, ...mask("description") }],
    ["the name alone", { agent: { id, name: "Bob" }, ...mask("name") }],
    ["the type alone", { agent: { id, agentType: "sales" }, ...mask("agent_type") }],
    ["a field to be cleared", { agent: { id }, ...mask("configuration.goals", "knowledge") }],
    ["an upper-case id", { agent: { id: id.toUpperCase(), ...named } }],
    ["an etag", { agent: { id, ...named, etag: "abcdefghijklmnop" } }],
  ],
  [
    ["no agent", mask("name"), "required, agent.id, agent.name"],
    ["no id", { agent: named }, "agent.id"],
    ["an id that is no UUID", { agent: { ...named, id: `${id}0` } }, "agent.id"],
    ["an id with a line behind it", { agent: { ...named, id: `${id}\n` } }, "agent.id"],
    ["a replacement without name", { agent: { id, agentType: "support" } }, "agent.name"],
    ["a replacement by * without type", { agent: { id, name: "Ada" }, ...mask("*") }, "agent.agent_type"],
    ["an empty name that the mask names", { agent: { id }, ...mask("description", "name") }, "agent.name"],
    ["an empty type that the mask names", { agent: { id }, ...mask("agent_type") }, "agent.agent_type"],
    [
      "* among other paths without a name",
      { agent: { id, agentType: "x" }, ...mask("status", "*") },
      "agent.name",
    ],
    ["an etag of 65 characters", { agent: { id, ...named, etag: text(65) } }, "string.max_len"],
  ],
);

rules(
  ListAgentsRequestSchema,
  [
    ["nothing", {}],
    ["a page size above the greatest, which is lowered", { pageSize: 1000 }],
    ["a status", { status: AgentStatus.ARCHIVED }],
    ["a page token", { pageToken: text(512) }],
  ],
  [
    ["a negative page size", { pageSize: -1 }, "int32.gte"],
    ["an unknown status", { status: 7 as AgentStatus }, "enum.defined_only"],
    ["a page token of 513 characters", { pageToken: text(513) }, "string.max_len"],
  ],
);

rules(
  GetAgentRequestSchema,
  [["a UUID", { id }]],
  [
    ["no id", {}, "string.uuid_empty"],
    ["another text", { id: "1" }, "string.uuid"],
  ],
);

rules(
  DeleteAgentRequestSchema,
  [
    ["a UUID", { id }],
    ["a UUID and an etag", { id, etag: "abcdefghijklmnop" }],
  ],
  [
    ["no id", {}, "string.uuid_empty"],
    ["an etag of 65 characters", { id, etag: text(65) }, "string.max_len"],
  ],
);
