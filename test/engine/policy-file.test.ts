import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPolicyFile } from "../../services/engine/policy-file.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "policy-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a policy file", () => {
  it("that breaks is logged with its line, and the one before stays", async () => {
    const path = join(folder, "policy.yaml");
    const causes: unknown[] = [];
    const log = {
      info: () => undefined,
      error: (_: string, entry?: { cause?: unknown }) => causes.push(entry?.cause),
    };
    await writeFile(path, "rules: [{id: harm.fraud, state: SHADOW}]");
    const file = await openPolicyFile({ path, log });
    await writeFile(path, "rules:\n  - id: harm.fraud\n    colour: red\n");
    expect(file.check).not.toThrow();
    expect(await file.reload()).toBe(false);
    expect(file.check).toThrow("line 3");
    expect(file.current()?.policy.rules).toHaveLength(1);
    expect(String(causes[0])).toContain("line 3");
    await writeFile(path, "rules: []");
    expect(await file.reload()).toBe(true);
    expect(file.current()?.policy.rules).toEqual([]);
    expect(file.check).not.toThrow();
    await rm(path);
    expect(await file.reload()).toBe(false);
    expect(file.check).toThrow("ENOENT");
    file.stop();
  });

  it("that is not configured is not checked", async () => {
    const log = { info: () => undefined, error: () => undefined };
    expect(await openPolicyFile({ path: "", log })).toMatchObject({ check: undefined });
  });
});
