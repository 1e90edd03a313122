// A process between node and the server, which ends the server when node is gone, whatever has ended
// it: its standard input is a pipe that the system closes then. A handler of `exit` would not run if
// node is killed or crashes.
//
//   node guardian.js COMMAND ARGUMENTS…

import { execFile, spawn } from "node:child_process";

const PATIENCE = 1000; // milliseconds that the server has to end by itself

const [command = "", ...args] = process.argv.slice(2);
const isWindows = process.platform === "win32";
const server = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], windowsHide: true });
server.on("error", (error) => {
  console.error(error.message);
  process.exit(127);
});
server.on("exit", (code) => process.exit(code ?? 1));

// The server may be a child of the command, such as uvx; here all of them are one process group.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);
process.stdin.on("close", end).on("error", end).resume();

let isEnding = false;

function end(): void {
  if (isEnding) return;
  isEnding = true;
  if (isWindows) {
    execFile("taskkill", ["/pid", String(server.pid), "/t", "/f"], () => process.exit());
    return;
  }
  process.kill(-process.pid, "SIGTERM");
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), PATIENCE);
}
