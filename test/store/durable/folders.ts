import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachDurable, type DurableOptions, CommitThread } from "../../../src/store/durable/open.ts";
import type { DurableStore } from "../../../src/store/durable/durable-store.ts";

const root = mkdtempSync(join(tmpdir(), "playcount-data-"));
const opened: DurableStore[] = [];
let folders = 0;

/** The path of a folder that is not there yet. */
export function newFolder(): string {
  return join(root, String(++folders));
}

/** Opens the counts in a folder, as a program that serves from its main thread does, which runs `module` to write. */
export async function open(
  folder: string,
  options: DurableOptions = {},
  module: string = "commit-thread-entry.ts",
): Promise<DurableStore> {
  const entry = new URL(module, import.meta.url);
  const writer = await CommitThread.start(entry, { folder, options: { ...options, threads: 1 } });
  const store = attachDurable(writer.connect(1), options);
  opened.push(store);
  return store;
}

/** Closes all that were opened here. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((store) => store.close(10)));
}

/** Closes all, and removes the folders. */
export async function removeAll(): Promise<void> {
  await closeAll();
  rmSync(root, { recursive: true, force: true });
}
