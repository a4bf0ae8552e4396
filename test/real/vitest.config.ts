import { defineConfig } from "vitest/config";

const root = new URL("../..", import.meta.url).pathname;

/** Tests against real servers and of processes that are killed: slow, one file at a time, and mostly in need of programs that npm does not install. */
export default defineConfig({
  root,
  resolve: { alias: { "#gen": `${root}gen` } },
  test: {
    include: ["test/real/**/*.test.ts"],
    globalSetup: [
      "test/support/temporary-directory.ts",
      "test/support/compile.ts",
      "test/support/database-template.ts",
    ],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
