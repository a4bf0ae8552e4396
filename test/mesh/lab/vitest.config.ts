import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { obstacles } from "../../../mesh/lab/tools.js";

const root = new URL("../../..", import.meta.url).pathname;
const why = await obstacles(root);
// Where everything must hold, a machine that could run the lab may not do without.
const required = process.env.CI === "true" && process.getuid?.() === 0;
const skipped = why.length > 0 && !required;
if (skipped) {
  process.stderr.write(
    `\n*** SKIPPED: the mesh lab cannot run here: ${why.join("; ")}. NOTHING WAS TESTED. ***\n\n`,
  );
}

class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  root,
  resolve: { alias: { "#gen": new URL("../../../gen", import.meta.url).pathname } },
  test: {
    include: skipped ? [] : ["test/mesh/lab/*.lab.ts"],
    passWithNoTests: skipped,
    globalSetup: skipped ? [] : ["test/mesh/lab/start-lab.ts"],
    // One lab, whose rules the tests change and put back.
    fileParallelism: false,
    sequence: { sequencer: ByName },
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
