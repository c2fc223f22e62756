import { test } from "bun:test";
import { mkdirSync } from "node:fs";
import process from "node:process";
import { lacks } from "../support/extent.ts";
import { compile } from "./c-program.ts";
import { command } from "./command.ts";
import { newPath, removeWorkFolder } from "./work-folder.ts";

/** Waits for a disk that is still in use: two minutes. */
const [MAX_WAITS, WAIT_MS] = [6000, 20];

const mounted = new Set<string>();

/** A test with a disk of its own. */
export const testWithDisk: typeof test =
  lacks("cc", "mkfs.ext4", "root") || (process.env["CI"] !== "true" && !canMountDisks())
    ? (test.skip as typeof test)
    : test;

/** An ext4 disk in a file. */
export class LoopDisk {
  /** Its mount point. */
  readonly folder: string = newFolder();
  readonly #file: string = newPath(".img");
  readonly #powerCut: string = compile("power-cut.c");
  #isFrozen = false;

  /** Creates a disk of `size` bytes, and mounts it. */
  constructor(size: number) {
    command("truncate", "-s", String(size), this.#file);
    command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", this.#file);
    this.mount();
  }

  /** Mounts the disk in the mode that keeps least of unsynced data. */
  mount(): void {
    mount(this.folder, "-o", "loop,data=writeback", this.#file);
  }

  /**
   * Unmounts it, and waits until the system has let go of it. A process with a mount namespace of its own,
   * such as a container, has a copy of the mount: it keeps the disk in use, and cut off, until it ends.
   */
  unmount(): void {
    unmount(this.folder);
    for (let waits = 0; command("losetup", "--associated", this.#file) !== ""; waits++) {
      if (waits === MAX_WAITS) throw new Error(`a mount namespace keeps ${this.#file} in use`);
      Bun.sleepSync(WAIT_MS);
    }
  }

  /** Cuts its power. `seed` decides which unsynced data the next mount finds. */
  cut(seed: number): void {
    command(this.#powerCut, this.folder, String(seed));
  }

  /** Blocks all writes until {@linkcode thaw}. */
  freeze(): void {
    command("fsfreeze", "--freeze", this.folder);
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#isFrozen) command("fsfreeze", "--unfreeze", this.folder);
    this.#isFrozen = false;
  }
}

/** Mounts a disk of `size` bytes in memory, and returns its mount point. */
export function mountMemory(size: number): string {
  const folder = newFolder();
  mount(folder, "-t", "tmpfs", "-o", `size=${size}`, "tmpfs");
  return folder;
}

/** Changes the size of a disk in memory. */
export function resizeMemory(folder: string, size: number): void {
  command("mount", "-o", `remount,size=${size}`, folder);
}

/** Unmounts all disks, and removes the work folder with their files. */
export function removeDisks(): void {
  for (const folder of mounted) unmount(folder);
  removeWorkFolder();
}

function newFolder(): string {
  const folder = newPath();
  mkdirSync(folder);
  return folder;
}

function mount(folder: string, ...options: string[]): void {
  command("mount", ...options, folder);
  mounted.add(folder);
}

function unmount(folder: string): void {
  if (mounted.delete(folder)) command("umount", folder);
}

function canMountDisks(): boolean {
  try {
    mountMemory(4096);
    command("losetup", "--find");
    return true;
  } catch {
    return false;
  } finally {
    removeDisks();
  }
}
