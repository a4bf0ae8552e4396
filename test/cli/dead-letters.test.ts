import { describe, expect, it } from "vitest";
import { deadLetters } from "../../services/cli/commands/dead-letters.js";

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const output: string[] = [];
  const problems: string[] = [];
  const code = await deadLetters({
    args,
    environment,
    output: { write: (text) => output.push(text) },
    problems: { write: (text) => problems.push(text) },
  });
  return { code, output: output.join(""), problems: problems.join("") };
}

describe("consciousness dead-letters", () => {
  it.each([
    [[]],
    [["list"]],
    [["drop", "reader"]],
    [["list", "reader", "other"]],
    [["list", "events.>"]],
    [["list", "reader", "--limit", "0"]],
    [["list", "reader", "--force"]],
  ])("says how it is used when asked for %j", async (args) => {
    const { code, output, problems } = await run(args);
    expect([code, output]).toEqual([2, ""]);
    expect(problems).toContain("dead-letters replay CONSUMER");
  });

  it("says where dead letters are when there is no NATS", async () => {
    const { code, problems } = await run(["list", "reader"]);
    expect(code).toBe(1);
    expect(problems).toContain("NATS_URL=: expected");
    expect(problems).toContain("the table dead_letters");
  });
});
