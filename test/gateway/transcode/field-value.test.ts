import { expect, it } from "vitest";
import { UpdateAgentRequestSchema } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { textReader } from "../../../services/gateway/transcode/field-value.js";

const readMask = textReader(UpdateAgentRequestSchema.field.updateMask);

it("reads paths of a mask in either spelling", () => {
  for (const text of ["name,agent_type", "name,agentType"]) {
    expect(readMask?.(text)).toMatchObject({ message: { paths: ["name", "agent_type"] } });
  }
});

it("refuses a path that JSON could not say again", () => {
  expect(readMask?.("a_1")).toBeUndefined();
});
