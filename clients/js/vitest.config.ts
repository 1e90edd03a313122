import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "openai-mockserver/global-setup",
    include: ["test/*.test.ts"],
    testTimeout: 60_000,
  },
});
