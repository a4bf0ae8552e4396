import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  BlockedDecisionSchema,
  Severity,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { blockedDecision } from "../../services/engine/blocked-decision.js";

const violations = (count: number, message: string) =>
  Array.from({ length: count }, (_, at) =>
    create(ViolationSchema, { ruleId: `harm.${at}`, severity: Severity.HIGH, message }),
  );

describe("the details of a block", () => {
  it("hold the first ten violations", () => {
    const blocked = blockedDecision("d", ["harm.0"], violations(12, "short"));
    expect(blocked.violations.map(({ ruleId }) => ruleId)).toEqual(
      Array.from({ length: 10 }, (_, at) => `harm.${at}`),
    );
  });

  it("hold fewer rather than more than 4 KiB", () => {
    const blocked = blockedDecision("d", ["harm.0"], violations(10, "x".repeat(1100)));
    expect(blocked.violations).toHaveLength(3);
    expect(toBinary(BlockedDecisionSchema, blocked).length).toBeLessThanOrEqual(4096);
    expect(blockedDecision("d", ["harm.0"], violations(1, "x".repeat(5000))).violations).toEqual([]);
  });
});
