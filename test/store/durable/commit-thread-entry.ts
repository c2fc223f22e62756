import process from "node:process";
import { workerData } from "node:worker_threads";
import { runCommitThread, type CommitThreadData } from "../../../src/store/durable/commit-thread.ts";

// The thread that writes, for tests that have no program around it.
const { writer } = workerData as { writer: CommitThreadData };
runCommitThread(writer, () => process.exit(0));
