import { test } from "bun:test";
import { mkdirSync } from "node:fs";
import process from "node:process";
import { compile } from "./c-program.ts";
import { command } from "./command.ts";
import { newPath, removeWorkFolder } from "./work-folder.ts";

const mounted = new Set<string>();

/** A test with a disk of its own: skipped for who may not make one, but not by CI. */
export const testWithDisk: typeof test = mayMakeDisks() || process.env["CI"] === "true" ? test : skip();

/** A disk of ext4, in a file. */
export class LoopDisk {
  /** Where it is mounted. */
  readonly folder: string = newFolder();
  readonly #file: string = newPath(".img");
  readonly #powerCut: string = compile("power-cut.c");
  #isFrozen = false;

  /** Makes one of so many bytes, and mounts it. */
  constructor(size: number) {
    command("truncate", "-s", String(size), this.#file);
    command("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", this.#file);
    this.mount();
  }

  /** Of all ways to mount it this is the one that keeps least of what was not synced. */
  mount(): void {
    mount(this.folder, "-o", "loop,data=writeback", this.#file);
  }

  unmount(): void {
    unmount(this.folder);
  }

  /** Cuts its power: of what was not synced, `number` says what it has when it is mounted again. */
  cut(number: number): void {
    command(this.#powerCut, this.folder, String(number));
  }

  /** Lets nobody write to it: who tries waits until it is thawed. */
  freeze(): void {
    command("fsfreeze", "--freeze", this.folder);
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#isFrozen) command("fsfreeze", "--unfreeze", this.folder);
    this.#isFrozen = false;
  }
}

/** Mounts a disk of so many bytes in memory; gives its folder. */
export function mountMemory(size: number): string {
  const folder = newFolder();
  mount(folder, "-t", "tmpfs", "-o", `size=${size}`, "tmpfs");
  return folder;
}

/** Gives a disk in memory another size. */
export function resizeMemory(folder: string, size: number): void {
  command("mount", "-o", `remount,size=${size}`, folder);
}

/** Takes all away that was made here, and the work folder, in which it is. */
export function removeDisks(): void {
  for (const folder of mounted) unmount(folder);
  removeWorkFolder();
}

function newFolder(): string {
  const folder = newPath();
  mkdirSync(folder);
  return folder;
}

function mount(folder: string, ...how: string[]): void {
  command("mount", ...how, folder);
  mounted.add(folder);
}

function unmount(folder: string): void {
  if (mounted.delete(folder)) command("umount", folder);
}

function mayMakeDisks(): boolean {
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

function skip(): typeof test {
  console.warn("Tests with disks of their own are skipped: they need root, mount and loop devices.");
  return test.skip as typeof test;
}
