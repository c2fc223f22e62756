import { dlopen, ptr } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

/** Nanoseconds of processor time used so far, by process id. */
export type CpuTimes = ReadonlyMap<number, number>;

const libc = dlopen("libc.so.6", {
  clock_getcpuclockid: { args: ["i32", "ptr"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
}).symbols;

/** Reads the clocks of all processes of a group: of a server and of the workers that it has forked. */
export function readCpuTimes(group: number): CpuTimes {
  return new Map(processesOf(group).map((pid) => [pid, readClock(pid)]));
}

/**
 * The nanoseconds used between two readings.
 *
 * @throws {Error} if a process came or went meanwhile: what it used is not known.
 */
export function cpuBetween(before: CpuTimes, after: CpuTimes): number {
  const pids = new Set([...before.keys(), ...after.keys()]);
  let total = 0;
  for (const pid of pids) {
    const difference = (after.get(pid) ?? Number.NaN) - (before.get(pid) ?? Number.NaN);
    if (Number.isNaN(difference)) throw new Error(`process ${pid} came or went while it was measured`);
    total += difference;
  }
  return total;
}

/**
 * The processor time of a process, threads that have ended included.
 *
 * Asked of the C library, as no file under /proc tells: `stat` is as coarse as 10 ms, a tenth of what is measured,
 * and `schedstat` covers one thread.
 */
function readClock(pid: number): number {
  const clock = new Int32Array(1);
  const time = new BigInt64Array(2);
  const failed =
    libc.clock_getcpuclockid(pid, ptr(clock)) !== 0 || libc.clock_gettime(clock[0] ?? 0, ptr(time)) !== 0;
  if (failed) throw new Error(`cannot read the processor time of process ${pid}`);
  return Number(time[0]) * 1e9 + Number(time[1]);
}

/** The ids of all processes of a group. */
export function processesOf(group: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => groupOf(pid) === group);
}

/** The process group of a process; `undefined` if it has just ended. */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold anything, in parentheses: state, parent, group.
    const [, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(group);
  } catch {
    return undefined;
  }
}
