// The generated types are those that the server describes now.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..");

test("a fresh generation is equal: otherwise run `npm run generate`", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "generated-"));
  execFileSync("node", ["scripts/generate.mjs", folder], { cwd: ROOT });
  for (const name of ["api.ts", "faults.ts"]) {
    const committed = readFileSync(path.join(ROOT, "src/generated", name), "utf8");
    expect(readFileSync(path.join(folder, name), "utf8")).toBe(committed);
  }
  rmSync(folder, { recursive: true });
});
