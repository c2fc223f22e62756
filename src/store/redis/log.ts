/** Milliseconds until the same trouble with Redis is logged again. */
export const TROUBLE_REPEAT_MS = 30_000;

/** Drops repetitions of a line for a while: a fault usually concerns every request. */
export function withoutRepeats(log: (line: string) => void, quietMs: number): (line: string) => void {
  let [last, loggedAt] = ["", 0];
  return (line) => {
    if (line === last && performance.now() - loggedAt < quietMs) return;
    [last, loggedAt] = [line, performance.now()];
    log(line);
  };
}
