import { cpuBetween, type CpuTimes, readCpuTimes } from "../cpu.ts";
import type { RunningServer } from "../server.ts";
import type { Redis } from "./redis.ts";

/** Microseconds of processor time: of all that clients talk to, of Redis, and of both. */
export interface SplitCpu {
  serverMicroseconds: number;
  redisMicroseconds: number;
  sumMicroseconds: number;
}

/** Does something, and gives what processor time each of `times` took that it does. */
export async function splitCpu<T>(
  { redis, servers, times }: { redis: Redis; servers: readonly RunningServer[]; times: number },
  act: () => Promise<T>,
): Promise<SplitCpu & { result: T }> {
  const read = (): CpuTimes[] => [redis, ...servers].map(({ child }) => readCpuTimes(child.pid));
  const before = read();
  const result = await act();
  const [ofRedis = Number.NaN, ...ofServers] = read().map(
    (after, at) => cpuBetween(before[at] ?? new Map(), after) / times / 1000,
  );
  const serverMicroseconds = ofServers.reduce((sum, one) => sum + one, 0);
  return {
    result,
    serverMicroseconds,
    redisMicroseconds: ofRedis,
    sumMicroseconds: serverMicroseconds + ofRedis,
  };
}
