import { readFileSync } from "node:fs";

/** Memory of a process, in bytes. */
export interface ProcessMemory {
  /** What it has now. */
  resident: number;
  /** The most that it ever had. */
  peak: number;
}

/** Reads the resident memory of a process. */
export function readMemory(pid: number | "self"): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { resident: readField(status, "VmRSS"), peak: readField(status, "VmHWM") };
}

function readField(status: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return kibibytes === undefined ? Number.NaN : Number(kibibytes) * 1024;
}

const SAMPLE_MS = 20;

/** Looks at the resident memory of a process again and again. */
export class MemoryWatch {
  readonly before: ProcessMemory;
  readonly #pid: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #most: number;

  constructor(pid: number) {
    this.#pid = pid;
    this.before = readMemory(pid);
    this.#most = this.before.resident;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Ends the watch, and gives the most that there was since it began, in bytes. */
  stop(): number {
    clearInterval(this.#timer);
    this.#sample();
    return this.#most;
  }

  #sample(): void {
    const { resident, peak } = readMemory(this.#pid);
    // A peak between two looks is seen if there was none as high before.
    this.#most = Math.max(this.#most, resident, peak > this.before.peak ? peak : 0);
  }
}
