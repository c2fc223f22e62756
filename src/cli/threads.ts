import process from "node:process";
import type { CommitThreadData } from "../store/durable/commit-thread.ts";

/**
 * Runs in every thread that executes the program's module: the commit thread, or a worker. Each loads its own
 * modules only: a start waits for the commit thread.
 */
export async function runThread(data: { commitThread?: CommitThreadData } | undefined): Promise<void> {
  if (data?.commitThread !== undefined) {
    const { runCommitThread } = await import("../store/durable/commit-thread.ts");
    return runCommitThread(data.commitThread, () => process.exit(0));
  }
  const { createWorkerHandler } = await import("./serving.ts");
  await (await import("./workers.ts")).runWorker(createWorkerHandler);
}
