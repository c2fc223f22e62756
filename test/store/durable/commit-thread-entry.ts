import process from "node:process";
import { workerData } from "node:worker_threads";
import { runCommitThread, type CommitThreadData } from "../../../src/store/durable/commit-thread.ts";

// The thread that writes, for tests that have no program around it.
const { commitThread } = workerData as { commitThread: CommitThreadData };
runCommitThread(commitThread, () => process.exit(0));
