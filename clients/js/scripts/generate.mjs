// Writes src/generated/api.ts, the types of the control API, from the OpenAPI document that a server
// gives, and src/generated/faults.ts, the names of the faults that it knows.
//
// With a folder as argument, the files are written there.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import openapiTypeScript, { astToString } from "openapi-typescript";

const folder = process.argv[2] ?? path.join(import.meta.dirname, "../src/generated");
const command = process.env.OPENAI_MOCKSERVER_COMMAND ?? "openai-mockserver";

/** Return the OpenAPI document of a server that is started for that. */
async function readDocument() {
  const server = spawn(command, ["serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    for await (const line of createInterface(server.stdout)) {
      const url = line.match(/answers on (http:\S+)\/v1/)?.[1];
      if (url) return await (await fetch(`${url}/_mock/openapi.json`)).json();
    }
    throw new Error("the server has ended");
  } finally {
    server.kill();
    await once(server, "exit");
  }
}

/** Say explicitly that objects without declared members may have any. */
function openObjects(value) {
  if (typeof value !== "object" || value === null) return;
  if (value.type === "object" && !value.properties) value.additionalProperties ??= true;
  Object.values(value).forEach(openObjects);
}

const openApi = await readDocument();
openObjects(openApi);
const types = astToString(await openapiTypeScript(openApi, { defaultNonNullable: false }));
const names = execFileSync(command, ["faults"], { encoding: "utf8" }).match(/^\w+(?=\()/gm);
const header = "// Made by `npm run generate`; do not edit.\n\n";
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, "api.ts"), header + types);
writeFileSync(
  path.join(folder, "faults.ts"),
  `${header}export type FaultName =\n${names.map((name) => `  | "${name}"`).join("\n")};\n`,
);
