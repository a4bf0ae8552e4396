import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "#gen": new URL("./gen", import.meta.url).pathname } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/bench/**"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
