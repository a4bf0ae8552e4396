import { defineConfig } from "vitest/config";

const root = new URL("../..", import.meta.url).pathname;

/** Tests in a real Chromium, which npm does not install; `CHROMIUM` names it where it is not called that. */
export default defineConfig({
  root,
  resolve: { alias: { "#gen": `${root}gen` } },
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/support/temporary-directory.ts", "test/support/database-template.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
