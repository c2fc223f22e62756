import process from "node:process";
import type { CommitThreadData } from "../store/durable/commit-thread.ts";

/** Runs in every thread that executes the program's module: the commit thread, or a worker. */
export async function runThread(data: { commitThread?: CommitThreadData } | undefined): Promise<void> {
  // Each loads its own modules only: a start waits for the commit thread.
  if (data?.commitThread === undefined) return await (await import("./serving.ts")).serveInWorker();
  const { runCommitThread } = await import("../store/durable/commit-thread.ts");
  runCommitThread(data.commitThread, () => process.exit(0));
}
