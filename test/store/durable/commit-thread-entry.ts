import process from "node:process";
import { workerData } from "node:worker_threads";
import { runCommitThread, type CommitThreadData } from "../../../src/store/durable/commit-thread.ts";

// Runs the commit thread for tests that start no program.
const { commitThread } = workerData as { commitThread: CommitThreadData };
runCommitThread(commitThread, () => process.exit(0));
