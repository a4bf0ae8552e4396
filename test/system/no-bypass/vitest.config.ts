import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** The matrix of every route and every state of a provider and a check: a thousand calls, each with its limits. */
export default defineConfig({
  root,
  resolve: { alias: { "#gen": `${root}gen` } },
  test: {
    include: ["test/system/no-bypass/**/*.test.ts"],
    globalSetup: [
      "test/support/temporary-directory.ts",
      "test/support/compile.ts",
      "test/support/database-template.ts",
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
