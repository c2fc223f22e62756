import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachDurable, type DurableOptions, CommitThread } from "../../../src/store/durable/open.ts";
import type { DurableStore } from "../../../src/store/durable/durable-store.ts";
import { isQuick } from "../../support/extent.ts";

/** Linux' file system in memory, where `fsync` takes no time. The quick tests use it if it has room. */
const MEMORY_DISK = "/dev/shm";

const root = mkdtempSync(join(isQuick && hasMemoryDisk() ? MEMORY_DISK : tmpdir(), "playcount-data-"));
const opened: DurableStore[] = [];
let folders = 0;

/** Returns the path of a folder that does not exist. */
export function newFolder(): string {
  return join(root, String(++folders));
}

/** Opens the counts in a folder, as a program with one thread does. The commit thread runs `module`. */
export async function open(
  folder: string,
  options: DurableOptions = {},
  module: string = "commit-thread-entry.ts",
): Promise<DurableStore> {
  const entry = new URL(module, import.meta.url).href;
  const commitThread = await CommitThread.start(entry, { folder, options: { ...options, threads: 1 } });
  const store = attachDurable(commitThread.connect(1), options);
  opened.push(store);
  return store;
}

/** Closes all opened stores. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((store) => store.close(10)));
}

/** Closes all opened stores, and removes their folders. */
export async function removeAll(): Promise<void> {
  await closeAll();
  rmSync(root, { recursive: true, force: true });
}

function hasMemoryDisk(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_DISK);
    return bavail * bsize > 2 ** 30;
  } catch {
    return false;
  }
}
