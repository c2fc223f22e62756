import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

/** Nanoseconds of processor time. */
export interface CpuTime {
  total: number;
  /**
   * The part outside the kernel, which Linux samples at each timer tick: precise only over many ticks, of
   * some milliseconds each.
   */
  user: number;
}

/** Processor time used so far, by process id. */
export type CpuTimes = ReadonlyMap<number, CpuTime>;

const libc = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } }).symbols;

// Clocks of another process, as Linux encodes them in a clockid_t (linux/posix-timers_types.h).
const CPUCLOCK_VIRT = 1;
const CPUCLOCK_SCHED = 2;

/** Reads the processor time of all processes of a group: a server, and the workers that it has forked. */
export function readCpuTimes(group: number): CpuTimes {
  return new Map(
    processesOf(group).map((pid) => [
      pid,
      { total: readClock(pid, CPUCLOCK_SCHED), user: readClock(pid, CPUCLOCK_VIRT) },
    ]),
  );
}

/**
 * Returns the processor time that was used between two readings.
 *
 * @throws {Error} if a process came or went meanwhile: the time that it used is unknown.
 */
export function cpuBetween(before: CpuTimes, after: CpuTimes): CpuTime {
  const used = { total: 0, user: 0 };
  for (const pid of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(pid), after.get(pid)];
    if (from === undefined || to === undefined)
      throw new Error(`process ${pid} came or went while it was measured`);
    used.total += to.total - from.total;
    used.user += to.user - from.user;
  }
  return used;
}

/** Awaits `act`, and returns its result with the processor time that a process group used meanwhile. */
export async function measureCpu<T>(group: number, act: () => Promise<T>): Promise<CpuTime & { result: T }> {
  const before = readCpuTimes(group);
  const result = await act();
  return { result, ...cpuBetween(before, readCpuTimes(group)) };
}

/**
 * Reads a clock of a process, which includes threads that have ended.
 *
 * No file below /proc has the same: the resolution of `stat` is 10 ms, a tenth of what is measured, and
 * `schedstat` covers one thread.
 */
function readClock(pid: number, clock: number): number {
  const time = new BigInt64Array(2);
  if (libc.clock_gettime((~pid << 3) | clock, ptr(time)) !== 0)
    throw new Error(`cannot read the processor time of process ${pid}`);
  return Number(time[0]) * 1e9 + Number(time[1]);
}

/** Returns the ids of all processes of a group. */
export function processesOf(group: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => groupOf(pid) === group);
}

/** Returns the process group of a process, or `undefined` if the process has just ended. */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name is in parentheses and may hold any character. State, parent and group follow it.
    const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(group);
  } catch {
    return undefined;
  }
}
