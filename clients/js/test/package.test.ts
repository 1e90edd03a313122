// The package as npm packs it, installed into an empty project.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..");
let folder: string;
let project: string;

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "package-"));
  project = path.join(folder, "project");
  mkdirSync(project);
  writeFileSync(path.join(project, "package.json"), '{ "private": true, "type": "module" }');
  // Other tests use `dist`, which is built already.
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], ROOT);
  const [packed] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  run("npm", ["install", "--silent", "--offline", "--no-audit", `../${packed}`], project);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test("it brings nothing else, and works", () => {
  const modules = readdirSync(path.join(project, "node_modules"));
  expect(modules.filter((name) => !name.startsWith("."))).toEqual(["openai-mockserver"]);
  const installed = path.join(project, "node_modules/openai-mockserver");
  const files = ["LICENSE", "README.md", "dist", "no-rules.json", "package.json"];
  expect(readdirSync(installed)).toEqual(files);
  const program = `
    import { startMockOpenAI } from "openai-mockserver";
    import "openai-mockserver/global-setup";
    const mock = await startMockOpenAI();
    console.log((await mock.rules()).length);
    await mock.stop();
  `;
  expect(run("node", ["--input-type=module", "--eval", program], project)).toBe("0\n");
});

test("its types are right for a strict compiler", () => {
  writeFileSync(
    path.join(project, "test.ts"),
    `import { startMockOpenAI, type Call } from "openai-mockserver";
     await using mock = await startMockOpenAI();
     await mock.on({ user: /Hi/, tool_result: "call_1" }).reply({ tool_calls: [{ name: "now" }] });
     await mock.reply("Hello", { faults: ["drop_done", { reset: { after: 3 } }], pace: "gpt-4o" });
     // @ts-expect-error: there is no such condition
     mock.on({ usr: "Hi" });
     // @ts-expect-error: there is no such key
     await mock.reply({ text: "Hello", finsh_reason: "stop" });
     // @ts-expect-error: there is no such fault
     await mock.reply("Hello", { faults: [{ rset: { after: 3 } }] });
     // @ts-expect-error: there is no such setting
     await mock.set({ paze: "none" });
     const calls: Call[] = await mock.calls({ endpoint: "chat/completions" });
     for await (const event of mock.follow()) if (event.type === "gap") event.missing + calls.length;
    `,
  );
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"];
  const libraries = ["--lib", "es2022,dom,esnext.disposable", "--types", "node"];
  const types = ["--typeRoots", path.join(ROOT, "node_modules/@types")];
  const tsc = path.join(ROOT, "node_modules/.bin/tsc");
  expect(run(tsc, [...options, ...libraries, ...types, "test.ts"], project)).toBe("");
});
