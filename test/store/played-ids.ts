/** The song that is played at the n-th addition of a thread. */
export function idOf({ hot, songs }: { hot: number; songs: number }, seed: number, n: number): string {
  if (songs >= 1e9) return `${seed}-${n}`;
  const word = Math.imul(n ^ (seed << 20), 0x9e3779b1) >>> 0;
  return n % 2 === 0 && hot > 0 ? `hot-${word % hot}` : `song-${(word >>> 8) % songs}`;
}
