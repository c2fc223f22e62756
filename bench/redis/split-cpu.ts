import { cpuBetween, type CpuTimes, readCpuTimes } from "../harness/cpu.ts";
import type { Redis } from "../harness/redis.ts";
import type { RunningServer } from "../harness/server.ts";

/** Microseconds of processor time: of the HTTP servers, of Redis, and of all together. */
export interface SplitCpu {
  serverMicroseconds: number;
  redisMicroseconds: number;
  totalMicroseconds: number;
}

interface SplitOptions {
  redis: Redis;
  servers: readonly RunningServer[];
  /** Number of requests, or of plays, by which the time is divided. */
  count: number;
}

/** Awaits `act`, and returns its result with the processor time of each request, or of each play. */
export async function measureSplitCpu<T>(
  { redis, servers, count }: SplitOptions,
  act: () => Promise<T>,
): Promise<SplitCpu & { result: T }> {
  const read = (): CpuTimes[] => [redis, ...servers].map(({ child }) => readCpuTimes(child.pid));
  const before = read();
  const result = await act();
  const [redisMicroseconds = Number.NaN, ...ofServers] = read().map(
    (after, at) => cpuBetween(before[at] ?? new Map(), after).total / count / 1000,
  );
  const serverMicroseconds = ofServers.reduce((sum, value) => sum + value, 0);
  const totalMicroseconds = serverMicroseconds + redisMicroseconds;
  return { result, serverMicroseconds, redisMicroseconds, totalMicroseconds };
}
