import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replay } from "../../services/cli/commands/replay.js";
import { replayTraffic } from "../../services/cli/commands/replay-traffic.js";
import { newId } from "../../services/kit/ids.js";
import { type Engine, startEngine } from "../engine/support/engine.js";
import { person } from "../support/person.js";

const blocking = (word: string) =>
  JSON.stringify({
    rules: [
      {
        id: "own.word",
        scopes: ["INPUT"],
        condition: `text.contains("${word}")`,
        severity: "HIGH",
        message: "No.",
      },
    ],
  });
const since = timestampFromDate(new Date(0));

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.database.end());

describe("replaying past traffic", () => {
  it("tells which decisions a policy would change, and counts them", async () => {
    const ann = person({ tenant: newId() });
    const client = engine.as(ann);
    const agentId = engine.addAgent("Returns are accepted within 30 days. Refunds take a week.");
    const kept = await client.process({ input: "How long do refunds take?", agentId });
    const hit = await client.process({ input: "When are returns accepted?", agentId });
    const lines: Record<string, unknown>[] = [];
    const tell = (line: object) => lines.push(line as Record<string, unknown>);

    const same = await replayTraffic({ engine: client, since, document: undefined, tell });
    expect(same).toEqual({ decisions: 2, changed: 0, verdicts: {}, open: 0, not_replayable: 0 });
    expect(lines.splice(0)).toEqual([{ summary: same }]);

    const tried = await replayTraffic({ engine: client, since, document: blocking("returns"), tell });
    expect(tried).toMatchObject({ decisions: 2, changed: 1, verdicts: { "ALLOWED → BLOCKED": 1 } });
    expect(lines[0]).toMatchObject({ decision_id: hit.decisionId, before: "ALLOWED", after: "BLOCKED" });
    expect(JSON.stringify(lines)).not.toContain(kept.decisionId);
    expect(JSON.stringify(lines)).not.toContain("30 days");
  });

  it("counts what stays open and what cannot be judged again", async () => {
    const ann = person({ tenant: newId() });
    const client = engine.as(ann);
    await engine.policiesAs(ann).putPolicy({ document: blocking("returns") });
    await client.process({ input: "When are returns accepted?" }).catch(() => undefined);
    const { decisionId: id } = await client.process({ input: "How is confidence computed?" });
    const past = { decision: new Uint8Array() };
    await engine.db.updateTable("decisions").set(past).where("id", "=", id).execute();
    await engine.policiesAs(ann).putPolicy({ document: blocking("elephants") });
    const counted = await replayTraffic({
      engine: client,
      since,
      document: undefined,
      tell: () => undefined,
    });
    expect(counted).toEqual({
      decisions: 2,
      changed: 1,
      verdicts: { "BLOCKED → open": 1 },
      open: 1,
      not_replayable: 1,
    });
  });
});

describe("consciousness replay", () => {
  const run = async (...args: string[]) => {
    const told: string[] = [];
    const output = { write: (text: string) => told.push(text) };
    const environment = { CONSCIOUSNESS_URL: "http://127.0.0.1:1" };
    const code = await replay({ args, environment, output, problems: output, now: Date.now() });
    return { code, told: told.join("") };
  };

  it.each([[[]], [["--since", "yesterday"]], [["--since"]], [["--since", "24h", "--other"]], [["24h"]]])(
    "says how it is used for %j",
    async (args) => {
      const { code, told } = await run(...args);
      expect(code).toBe(2);
      expect(told).toContain("consciousness replay --since TIME");
    },
  );

  it.each([["24h"], ["2026-11-01T00:00:00Z"]])("ends with 1 when nobody answers, since %s", async (time) => {
    expect((await run("--since", time)).code).toBe(1);
  });

  it("ends with 1 when there is no such file", async () => {
    const { code, told } = await run("--since", "1d", "--policy", "/nowhere/policy.yaml");
    expect(code).toBe(1);
    expect(told).toContain("ENOENT");
  });
});
