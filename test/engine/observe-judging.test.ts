import { describe, expect, it } from "vitest";
import type { TextReading } from "../../services/engine/domain/models/text-model.js";
import {
  bandOfReading,
  observeAgents,
  observeConversations,
  observeReadings,
  readingBands,
} from "../../services/engine/observe-judging.js";
import { createMetrics } from "../../services/kit/metrics.js";

const made = () => createMetrics({ version: "1.2.3", workloads: ["engine"] });

describe("readings of heads", () => {
  const reading = (probability: number): TextReading => {
    const head = { probability, level: "none" } as const;
    return { safety: Object.fromEntries(heads.map((name) => [name, head])) } as unknown as TextReading;
  };
  const heads = [
    "sexual",
    "hate",
    "harassment",
    "self_harm",
    "harmful_request",
    "jailbreak",
    "instruction_in_data",
  ];

  it("are counted for every head in the band of their probability, and handed on as they are", async () => {
    const metrics = made();
    const said = reading(0.02);
    expect(await observeReadings(() => said, metrics)("a text")).toBe(said);
    const { body } = await metrics.expose();
    for (const head of heads) {
      expect(body).toContain(`judge_head_readings_total{head="${head}",band="0.03"} 1\n`);
      expect(body).toContain(`judge_head_readings_total{head="${head}",band="0.01"} 0\n`);
    }
  });

  it("are not counted when the reader fails", async () => {
    const metrics = made();
    const broken = observeReadings(() => Promise.reject(new Error("no thread")), metrics);
    await expect(broken("a text")).rejects.toThrow("no thread");
    expect((await metrics.expose()).body).not.toMatch(/judge_head_readings_total\{[^}]*\} [1-9]/);
  });

  it("fall into the lowest band that holds them", () => {
    expect([0, 0.01, 0.0100001, 0.5, 0.91, 1].map(bandOfReading)).toEqual([
      "0.01",
      "0.01",
      "0.03",
      "0.5",
      "1",
      "1",
    ]);
    const ends = readingBands.map(Number);
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
  });
});

describe("agents that answered", () => {
  it("are counted once each, for five minutes after their last answer", async () => {
    const metrics = made();
    let now = 0;
    const note = observeAgents(metrics, { monotonic: () => now });
    const shown = async () => /^active_agents_total (\d+)$/m.exec((await metrics.expose()).body)?.[1];
    for (const id of ["a", "b", "a", ""]) note(id);
    expect(await shown()).toBe("2");
    now = 200_000;
    note("a");
    now = 400_000;
    expect(await shown()).toBe("1");
    now = 600_000;
    expect(await shown()).toBe("0");
  });
});

describe("conversations", () => {
  it("count when they begin, and apart for each tenant", async () => {
    const metrics = made();
    const note = observeConversations(metrics);
    note("one", "c");
    note("one", "c");
    note("other", "c");
    expect((await metrics.expose()).body).toContain("conversations_total 2\n");
  });
});
