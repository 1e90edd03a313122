// The fixtures, in real runs of their frameworks: a test fails if a request was answered by no rule.

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import path from "node:path";
import { expect, test } from "vitest";

test.concurrent.for([
  ["jest", ["npx", "jest"], "1 failed, 1 skipped, 1 todo, 2 passed"],
  ["vitest", ["npx", "vitest", "run", "--no-color"], "1 failed | 2 passed"],
  ["playwright", ["npx", "playwright", "test"], "1 failed"],
] as const)("%s", async ([name, [command, ...args], counts]) => {
  const run = spawn(command, args, {
    cwd: path.join(import.meta.dirname, "projects", name),
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      OPENAI_BASE_URL: "earlier",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = (await Promise.all([text(run.stdout), text(run.stderr)])).join("");
  expect(output).toContain(counts);
  expect(output).toContain("fails at its end");
  expect(output).toContain("VerificationError: the mock could not answer 1 request");
  expect(output).toContain("'Good morning' -> 400 no rule matched");
});
