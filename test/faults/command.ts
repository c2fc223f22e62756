/** Runs a system command, and returns its output. @throws {Error} with its stderr, if it fails. */
export function command(...words: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString().trim();
}
