import { spawnSync } from "node:child_process";
import { defineConfig } from "@playwright/test";

export default defineConfig({
  globalSetup: "openai-mockserver/global-setup", // one server for all workers
  fullyParallel: true,
  workers: 2,
  reporter: "list",
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? findChromium(),
      chromiumSandbox: process.getuid?.() !== 0, // it does not work for root
    },
  },
});

/** Return an installed Chromium; without one, Playwright uses its own. */
function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const command = names.map((name) => `command -v ${name}`).join(" || ");
  return spawnSync("sh", ["-c", command], { encoding: "utf8" }).stdout?.trim() || undefined;
}
