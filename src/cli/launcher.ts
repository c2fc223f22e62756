import { readFileSync } from "node:fs";

/** Variable that npm, npx and `bun run` set in the programs that they start. */
const MARK = "npm_lifecycle_event";
const WATCH_MS = 1000;

/**
 * Calls `onEnd` when the npm, npx or `bun run` that started this program has ended without ending it: npx
 * passes no signal on. Does nothing for a program that was started otherwise, or where /proc does not exist.
 */
export function watchLauncher(onEnd: () => void): void {
  const chain = launchChain();
  if (!chain) return;
  const timer = setInterval(() => {
    const now = launchChain();
    if (now === undefined || now === chain) return;
    clearInterval(timer);
    onEnd();
  }, WATCH_MS);
  timer.unref();
}

/**
 * Lists the processes from the parent of this one to the launcher, which does not have the mark itself.
 *
 * @returns `undefined` if they cannot be read now, as when all files that may be open are.
 */
function launchChain(): string | undefined {
  const chain: string[] = [];
  try {
    for (let pid = "self"; isMarked(pid); chain.push(pid)) {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      pid = stat.slice(stat.lastIndexOf(")")).split(" ")[2] ?? ""; // the name before may have spaces
    }
    return chain.join(" ");
  } catch {
    return undefined;
  }
}

function isMarked(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .some((entry) => entry.startsWith(`${MARK}=`));
  } catch (error) {
    // Another user's process, as that with number 1 often is, and one that has ended: not a launcher.
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as { code?: string }).code ?? ""))
      return false;
    throw error;
  }
}
