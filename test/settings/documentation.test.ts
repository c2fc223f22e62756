import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { settingsTable } from "../../src/settings/reference.ts";

const PAGE = join(import.meta.dir, "../../docs/settings.md");
const TABLE = /(?<=<!-- settings -->\n\n).*?(?=\n\n<!-- \/settings -->)/s;
const RENEW = "RENEW_DOCS=1 bun test test/settings/documentation.test.ts";

test(`docs/settings.md lists every setting (to renew its table: ${RENEW})`, () => {
  const page = readFileSync(PAGE, "utf8");
  if (process.env["RENEW_DOCS"] === "1") writeFileSync(PAGE, page.replace(TABLE, settingsTable));
  else expect(TABLE.exec(page)?.[0]).toBe(settingsTable());
});
