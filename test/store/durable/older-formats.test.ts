import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { closeAll, newFolder, open, removeAll } from "./folders.ts";

setDefaultTimeout(300_000);
afterAll(removeAll);

// `specimens` has a dump of the database of each older format, written by the last version that had it, after
// these requests: POST /song/acknowledged 5, POST /song/a%20%25%C3%A9 9007199254740000, PUT and DELETE
// /folds/17, POST /batch {"sealed":1,"both":2}, PUT /folds/18, POST /song/both 3, POST /song/open.
const FORMATS = [{ format: 1, lastCommit: "0000000000000008\n" }];

test.each(FORMATS)(
  "A directory of format $format has its counts and folds, and goes on",
  async ({ format, lastCommit }) => {
    const folder = newFolder();
    mkdirSync(folder, { recursive: true });
    const dump = readFileSync(join(import.meta.dir, `specimens/format-${format}.sql`), "utf8");
    const database = new DatabaseSync(join(folder, "playcount.db"));
    database.exec(`PRAGMA application_id = ${0x706c6179}; PRAGMA user_version = ${format}`);
    database.exec(`PRAGMA journal_mode = WAL; ${dump}`);
    database.close();
    writeFileSync(join(folder, "last-commit"), lastCommit);
    for (const opened of [1, 2]) {
      const store = await open(folder);
      const counts = ["sealed", "both", "open", "acknowledged"].map((id) => store.get(id));
      expect(counts).toEqual([1, 5, opened, 0]);
      expect(store.get("acknowledged", 16)).toBe(5);
      expect(store.get("a %é", 16)).toBe(9007199254740000);
      expect(store.folds()).toEqual([{ fold: 18, label: "", sealedAt: undefined }]);
      const sealed = Array.from(store.fold(18), (chunk) => [...chunk]).flat();
      expect(sealed.toSorted()).toEqual([
        ["both", 2],
        ["sealed", 1],
      ]);
      expect(await store.add("open", 1)).toEqual({ count: opened + 1, fold: 18 });
      await closeAll();
    }
  },
);
