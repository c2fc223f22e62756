import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

const START_SECONDS = 120;

/** A server that a command started, possibly through other processes. */
export class StartedServer implements AsyncDisposable {
  /** The process id of the server itself. */
  readonly pid: number;
  readonly #command: Bun.Subprocess;

  private constructor(pid: number, command: Bun.Subprocess) {
    this.pid = pid;
    this.#command = command;
  }

  /** Runs `command`, and resolves when `url` responds. */
  static async start(command: string[], url: string): Promise<StartedServer> {
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const deadline = performance.now() + START_SECONDS * 1000;
    while (!(await answers(url))) {
      if (child.exitCode !== null)
        throw new Error(`${command.join(" ")} ended with ${child.exitCode}: ${await child.stderr.text()}`);
      if (performance.now() > deadline) {
        killAll(child.pid);
        throw new Error(`no answer from ${url} in ${START_SECONDS} seconds`);
      }
      await Bun.sleep(50);
    }
    return new StartedServer(descendants(child.pid).at(-1) ?? child.pid, child);
  }

  /** Returns the values of a line of `/proc/PID/status` of the server. */
  status(name: string): string[] {
    return statusLine(this.pid, name);
  }

  /** Returns the mount options of the server's root. */
  rootOptions(): string[] {
    const mounts = readFileSync(`/proc/${this.pid}/mounts`, "utf8").split("\n");
    const [, , , options = ""] = mounts.find((line) => line.split(" ")[1] === "/")?.split(" ") ?? [];
    return options.split(",");
  }

  /** Sends SIGTERM to the server, and resolves with the exit status of its command. */
  async stop(): Promise<number> {
    process.kill(this.pid, "SIGTERM");
    return await this.#command.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#command.exitCode === null) killAll(this.#command.pid);
    await this.#command.exited;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

function killAll(pid: number): void {
  for (const each of [pid, ...descendants(pid)]) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It has ended since.
    }
  }
}

/** Lists the descendants of `pid`, parents before children. */
function descendants(pid: number): number[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const children = all.filter((each) => statusLine(each, "PPid")[0] === String(pid));
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function statusLine(pid: number, name: string): string[] {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
    const line = lines.find((each) => each.startsWith(`${name}:`)) ?? "";
    return line.split(/\s+/).slice(1);
  } catch {
    return []; // it has ended
  }
}
