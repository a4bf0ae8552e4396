import { describe, expect, it } from "vitest";
import { AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { initialStatus, nextStatus } from "../../../services/agents/domain/agent-status.js";
import { thrownBy } from "../../support/expect-reason.js";

const { UNSPECIFIED, INACTIVE, ACTIVE, SUSPENDED, ARCHIVED } = AgentStatus;

describe("status of an agent", () => {
  const allowed: [AgentStatus, AgentStatus][] = [
    [INACTIVE, ACTIVE],
    [ACTIVE, INACTIVE],
    [ACTIVE, SUSPENDED],
    [SUSPENDED, ACTIVE],
    [INACTIVE, ARCHIVED],
    [ACTIVE, ARCHIVED],
    [SUSPENDED, ARCHIVED],
  ];
  const real = [INACTIVE, ACTIVE, SUSPENDED, ARCHIVED];
  const pairs = real.flatMap((from) => real.filter((to) => to !== from).map((to) => [from, to] as const));

  it.each(allowed)("goes from %i to %i", (from, to) => {
    expect(nextStatus(from, to)).toBe(to);
  });

  it.each(pairs.filter(([from, to]) => !allowed.some(([a, b]) => a === from && b === to)))(
    "does not go from %i to %i",
    (from, to) => {
      expect(thrownBy(() => nextStatus(from, to))).toMatchObject({
        reason: "AGENT_STATUS_TRANSITION",
        code: "FailedPrecondition",
        metadata: { from: `AGENT_STATUS_${AgentStatus[from]}`, to: `AGENT_STATUS_${AgentStatus[to]}` },
      });
    },
  );

  it.each(real)("stays %i when the same or none is asked for", (status) => {
    expect(nextStatus(status, status)).toBe(status);
    expect(nextStatus(status, UNSPECIFIED)).toBe(status);
  });

  it("begins inactive unless active is asked for", () => {
    expect(initialStatus(UNSPECIFIED)).toBe(INACTIVE);
    expect(initialStatus(INACTIVE)).toBe(INACTIVE);
    expect(initialStatus(ACTIVE)).toBe(ACTIVE);
  });

  it.each([SUSPENDED, ARCHIVED])("does not begin as %i", (status) => {
    expect(thrownBy(() => initialStatus(status)).reason).toBe("AGENT_STATUS_TRANSITION");
  });
});
