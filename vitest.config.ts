import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "#gen": new URL("./gen", import.meta.url).pathname } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "test/bench/**",
      "test/browser/**",
      "test/gateway/load/**",
      "test/real/**",
      "test/system/no-bypass/**",
    ],
    globalSetup: [
      "test/support/temporary-directory.ts",
      "test/support/compile.ts",
      "test/support/database-template.ts",
    ],
    // On two cores a third one works while the others wait for timers and the disk.
    maxWorkers: 3,
    // No module of ours keeps state between tests, and loading them again for each file took half the time.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: {
      provider: "v8",
      include: ["services/**/*.ts"],
      // Generators run in CI as `generate --check`, training needs data that is not here, and entry
      // points run as processes of their own.
      exclude: [
        "services/generate/**",
        "services/engine/training/**",
        "services/main.ts",
        "services/cli/main.ts",
      ],
      reporter: ["text-summary", "json-summary"],
      thresholds: {
        lines: 90,
        "services/kit/chain/**": { lines: 95 },
        "services/gateway/transcode/**": { lines: 95 },
        "services/auth/**": { lines: 95 },
        "services/engine/domain/pipeline.ts": { lines: 95 },
      },
    },
  },
});
