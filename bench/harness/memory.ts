import { readFileSync } from "node:fs";

/** Resident memory of a process, in bytes. */
export interface ProcessMemory {
  resident: number;
  /** The most since the process began. */
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

/** Samples the resident memory of a process until it is stopped. */
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

  /** Ends the watch, and returns the most resident memory since its beginning, in bytes. */
  stop(): number {
    clearInterval(this.#timer);
    this.#sample();
    return this.#most;
  }

  #sample(): void {
    const { resident, peak } = readMemory(this.#pid);
    // The kernel's peak is exact, and belongs to the time of the watch if it has risen.
    this.#most = Math.max(this.#most, resident, peak > this.before.peak ? peak : 0);
  }
}
