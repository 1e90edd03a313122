import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "openai-mockserver/global-setup", // one server for the whole run
  },
});
