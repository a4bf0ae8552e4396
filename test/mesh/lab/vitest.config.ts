import { defineConfig } from "vitest/config";

const root = process.getuid?.() === 0;
if (!root) {
  process.stderr.write(
    "\n*** SKIPPED: the mesh lab needs root, for network namespaces. NOTHING WAS TESTED. ***\n\n",
  );
}

export default defineConfig({
  root: new URL("../../..", import.meta.url).pathname,
  resolve: { alias: { "#gen": new URL("../../../gen", import.meta.url).pathname } },
  test: {
    include: root ? ["test/mesh/lab/*.lab.ts"] : [],
    passWithNoTests: !root,
    globalSetup: ["test/mesh/lab/start-lab.ts"],
    // One lab, whose rules the tests change and put back.
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
