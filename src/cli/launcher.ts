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
  if (chain === "") return;
  const timer = setInterval(() => {
    if (launchChain() === chain) return;
    clearInterval(timer);
    onEnd();
  }, WATCH_MS);
  timer.unref();
}

/** Lists the processes from the parent of this one to the launcher, which does not have the mark itself. */
function launchChain(): string {
  const chain: string[] = [];
  for (let pid = "self"; isMarked(pid);) {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    pid = stat.slice(stat.lastIndexOf(")")).split(" ")[2] ?? ""; // the name before may have spaces
    chain.push(pid);
  }
  return chain.join(" ");
}

function isMarked(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .some((entry) => entry.startsWith(`${MARK}=`));
  } catch {
    return false;
  }
}
