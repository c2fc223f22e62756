import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Setting } from "../../src/settings/kinds.ts";
import { flagName, isSecret, variablesOf } from "../../src/settings/names.ts";
import { defaultText } from "../../src/settings/reference.ts";
import { SETTINGS, type Settings, settingNames } from "../../src/settings/settings.ts";

const PAGE = join(import.meta.dir, "../../docs/settings.md");
const TABLE = /(?<=<!-- settings -->\n\n).*?(?=\n\n<!-- \/settings -->)/s;
const RENEW = "RENEW_DOCS=1 bun test test/settings/documentation.test.ts";

test(`docs/settings.md lists every setting (to renew its table: ${RENEW})`, () => {
  const page = readFileSync(PAGE, "utf8");
  if (process.env["RENEW_DOCS"] === "1") writeFileSync(PAGE, page.replace(TABLE, settingsTable));
  else expect(TABLE.exec(page)?.[0]).toBe(settingsTable());
});

/** Returns the table in Markdown, with its columns aligned as `bun fmt` aligns them. */
function settingsTable(): string {
  const rows = [["Flag", "Environment", "Default", "Value", "Meaning"], ...settingNames().flatMap(rowsOf)];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const [header = "", ...others] = rows.map((row) => tableRow(row, widths, " "));
  return [header, tableRow([], widths, "-"), ...others].join("\n");
}

/** Returns the row of a setting. A secret has two: for the file that holds it, and for the secret itself. */
function rowsOf(name: keyof Settings): string[][] {
  const { help } = SETTINGS[name];
  const [variable = "", fileVariable = variable] = variablesOf(name).map((text) => `\`${text}\``);
  const flag = `\`--${flagName(name)}\``;
  const value = valueText(SETTINGS[name]);
  return isSecret(name)
    ? [
        [flag, fileVariable, "", "path of a file", `file whose first line is the ${help}`],
        ["", variable, "", value, help],
      ]
    : [[flag, variable, defaultText(name), value, help]];
}

function tableRow(cells: readonly string[], widths: readonly number[], fill: string): string {
  return `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, fill)).join(" | ")} |`;
}

function valueText(setting: Setting): string {
  if ("pattern" in setting) return setting.expected;
  if (!("min" in setting)) return "true, false";
  const range = `${setting.min} to ${setting.max}`;
  return setting.word === undefined ? range : `${range}, ${setting.word}`;
}
