import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { createKnowledgeIndexes } from "../../../services/engine/domain/knowledge.js";
import { createRecentRequests } from "../../../services/engine/domain/recent-requests.js";
import { createIndex } from "../../../services/engine/domain/retrieval/bm25.js";
import { selfChecks } from "../../../services/engine/domain/self.js";
import { builtIn, never, ruleJudge } from "../fixture.js";

const documents = [{ title: "T", text: "one\n\ntwo" }];

describe("indexes of knowledge", () => {
  it("are made once for an agent's etag, and again for another", () => {
    const indexOf = createKnowledgeIndexes(2);
    const first = indexOf({ agentId: "a", etag: "1", documents });
    expect(first.size).toBe(2);
    expect(indexOf({ agentId: "a", etag: "1", documents })).toBe(first);
    expect(indexOf({ agentId: "a", etag: "2", documents })).not.toBe(first);
    expect(indexOf({ agentId: "b", etag: "1", documents })).not.toBe(first);
    expect(indexOf({ agentId: "a", etag: "1", documents })).not.toBe(first);
  });

  it("are not kept without an etag", () => {
    const indexOf = createKnowledgeIndexes(2);
    const key = { agentId: "a", etag: "", documents };
    expect(indexOf(key)).not.toBe(indexOf(key));
  });
});

describe("recent requests", () => {
  const decision = (awarenessLevel: number | undefined, metaCognitiveDepth: number) => {
    const state =
      awarenessLevel === undefined ? { metaCognitiveDepth } : { awarenessLevel, metaCognitiveDepth };
    return create(DecisionSchema, { consciousnessState: state });
  };

  it("have means over what is known, and forget the oldest", () => {
    const recent = createRecentRequests(2);
    expect(recent.means()).toEqual({ awareness: undefined, alignment: undefined, depth: undefined });
    recent.add(decision(0.1, 1));
    recent.add(decision(0.4, 2));
    recent.add(decision(undefined, 3));
    expect(recent.means()).toEqual({ awareness: 0.4, alignment: undefined, depth: 3 });
  });
});

describe("self-checks", () => {
  it("say what is not as it should be, without its cause", async () => {
    const checks = await selfChecks(
      {
        load: () => 0,
        recent: createRecentRequests(),
        judges: [{ ...ruleJudge, judge: () => ({ violations: [] }) }],
        builtIn: createIndex([]),
        checkDatabase: () => Promise.reject(new Error("password wrong")),
        checkPolicyFile: () => {
          throw new Error("line 3: of a rule of ours");
        },
      },
      never,
    );
    expect(checks.map(({ name, ok, detail }) => [name, ok, detail])).toEqual([
      ["database", false, "failed"],
      ["judges", false, "failed"],
      ["policy_file", false, "failed"],
      ["built_in_documents", false, "failed"],
    ]);
    expect(builtIn.size).toBeGreaterThan(20);
  });

  it("look at the policy on disk where there is one", async () => {
    const deps = {
      load: () => 0,
      recent: createRecentRequests(),
      judges: [ruleJudge],
      builtIn,
      checkDatabase: async () => undefined,
    };
    const checked = async (more: object = {}) =>
      (await selfChecks({ ...deps, ...more }, never)).filter(({ name }) => name === "policy_file");
    expect(await checked({ checkPolicyFile: () => undefined })).toMatchObject([{ ok: true }]);
    expect(await checked()).toEqual([]);
  });
});
