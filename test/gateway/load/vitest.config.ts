import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** What takes minutes or measures memory: one file at a time, in processes of their own that can collect garbage. */
export default defineConfig({
  root,
  resolve: { alias: { "#gen": `${root}gen` } },
  test: {
    include: ["test/gateway/load/**/*.test.ts"],
    globalSetup: ["test/support/temporary-directory.ts"],
    pool: "forks",
    execArgv: ["--expose-gc"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
