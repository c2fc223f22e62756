import { Glob, which } from "bun";
import process from "node:process";

// How much runs, by TESTS:
// - "quick", set by `bun run test`: no tests that need other programs, and few rounds;
// - "all", set by `bun run test:all`: every test, and all rounds;
// - unset, with `bun test FILE`: every test that finds its programs, and few rounds.

const EXTENT = process.env["TESTS"];

/** Programs, and the user, that some tests need beside Bun, Deno, Node and workerd. */
const NEEDS = [
  "bash",
  "buildah",
  "cc",
  "chromium",
  "curl",
  "haproxy",
  "mariadbd",
  "mkfs.ext4",
  "nginx",
  "openssl",
  "pgbouncer",
  "postgres",
  "prometheus",
  "promtool",
  "redis-cli",
  "redis-server",
  "root",
];

/** Programs that tests use only if they find them, also in CI: some take minutes to install. */
const OPTIONAL = ["compose-spec", "kubernetes-validate", "kustomize", "systemd-analyze"];

/** Debian's folder of the programs of PostgreSQL. */
const [POSTGRES = ""] = [...new Glob("/usr/lib/postgresql/*/bin").scanSync({ onlyFiles: false })];

const warned = new Set<string>();

/** Returns the path of a program. Debian has some where only root looks. */
export function findProgram(program: string): string | undefined {
  return which(program, { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin:${POSTGRES}` }) ?? undefined;
}

/** Lists the programs that this machine lacks. */
export function missing(): string[] {
  return [...NEEDS, ...OPTIONAL].filter((need) => !has(need));
}

/** Returns true if tests that need the given programs are to be skipped. In CI they fail instead. */
export function lacks(...needs: readonly string[]): boolean {
  for (const need of needs) if (!NEEDS.includes(need)) throw new Error(`${need} is not in the list of needs`);
  if (isQuick) return true;
  if (process.env["CI"] === "true") return false;
  const lacking = needs.filter((need) => !has(need));
  if (EXTENT === undefined)
    for (const need of lacking) if (!warned.has(need)) console.warn(`Tests that need ${need} are skipped.`);
  for (const need of lacking) warned.add(need);
  return lacking.length > 0;
}

/** True in the run of the tests that need npm alone. */
export const isQuick: boolean = EXTENT === "quick";

/** Returns `all` in a run of all tests, and `few` otherwise. */
export function rounds(all: number, few: number): number {
  return EXTENT === "all" ? all : few;
}

function has(need: string): boolean {
  return need === "root" ? process.getuid?.() === 0 : findProgram(need) !== undefined;
}
