import process from "node:process";

/** A child process. Its process id is also the id of its process group. */
export type Child<Out extends "pipe" | "ignore"> = Bun.Subprocess<"ignore", Out, "inherit">;

const running = new Set<Child<"pipe" | "ignore">>();

/** Starts a program in a process group of its own, at the root of the repository. Inherits stderr. */
export function spawn<Out extends "pipe" | "ignore">(
  command: string[],
  options: { stdout: Out; env?: Record<string, string> },
): Child<Out> {
  const child = Bun.spawn(command, {
    stdin: "ignore",
    stdout: options.stdout,
    stderr: "inherit",
    env: { ...process.env, ...options.env },
    cwd: `${import.meta.dirname}/../..`,
    detached: true,
  });
  running.add(child);
  return child;
}

/**
 * Runs a program to its end, and returns its output.
 *
 * @throws {Error} if its exit code is not 0.
 */
export async function run(command: string[]): Promise<string> {
  const child = spawn(command, { stdout: "pipe" });
  const output = await child.stdout.text();
  const status = await child.exited;
  end(child);
  if (status !== 0) throw new Error(`exited with ${child.signalCode ?? status}: ${command.join(" ")}`);
  return output;
}

/** Returns whether a program still runs. */
export function isAlive(child: Child<"pipe" | "ignore">): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Kills a program and its whole process group. */
export function end(child: Child<"pipe" | "ignore">): void {
  running.delete(child);
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended before.
  }
}

/** Kills all children when this process exits, also by a signal. */
export function endAllOnExit(): void {
  process.on("exit", () => running.forEach(end));
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  process.on("SIGHUP", () => process.exit(129));
}
