import type { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { blocksOf, fileNameOf } from "./pages.ts";

/** The programs of docs/hand-over.md. */
export interface HandOver {
  handOver: (counter: string, database: DatabaseSync) => Promise<void>;
  playsOnPage: (counter: string, database: DatabaseSync, id: string) => Promise<number>;
}

const BLOCKS = blocksOf("docs/hand-over.md");

/** Returns the programs of the page, which are saved in `folder`. */
export async function loadHandOver(folder: string): Promise<HandOver> {
  const programs: object[] = [];
  for (const { language, text } of BLOCKS)
    if (language === "ts" && fileNameOf(text) !== undefined) {
      const path = join(folder, `program-${programs.length}.ts`);
      await Bun.write(path, text);
      programs.push((await import(path)) as object);
    }
  return Object.assign({}, ...programs) as HandOver;
}

/** Returns the statements of the page: of the history, those that make the tables, and those for one row. */
export function sqlOf(): { history: string[]; tables: string; insert: string; add: string } {
  const [history = "", tables = "", rows = ""] = BLOCKS.filter(({ language }) => language === "sql").map(
    ({ text }) => text,
  );
  const [insert = "", add = ""] = rows.split("\n");
  return { history: history.trim().split("\n"), tables, insert, add };
}

/** Returns the command of an example of `--exec` that begins with a program, and the script below it. */
export function storeOf(program: string): [command: string, script: string] {
  const examples = BLOCKS.map(({ text }) => /--exec '([^']+)'\n\n(.*)$/s.exec(text));
  const [, command = "", script = ""] = examples.find((found) => found?.[1]?.startsWith(`${program} `)) ?? [];
  return [command, script];
}
