import { quoted } from "../../error-message.ts";
import type { SongTable } from "./database.ts";

/** A column that was found in the table of songs. */
export interface FoundColumn {
  name: string;
  type: string;
  /** True if an inserted row needs a value. */
  isRequired: boolean;
  /** True if the column is a primary key, or unique. */
  isKey: boolean;
}

/**
 * Returns the columns of ids and plays.
 *
 * @throws {RangeError} if a column is missing or has a wrong type, or the ids are not unique.
 */
export function checkSongTable(
  { table, id, plays }: SongTable,
  columns: readonly FoundColumn[],
  types: { ids: readonly string[]; plays: readonly string[] },
): { id: FoundColumn; plays: FoundColumn; required: string[] } {
  if (columns.length === 0) throw new RangeError(`the database has no table ${quoted(table)}: see --table`);
  const find = (name: string, flag: string) => {
    const column = columns.find((found) => found.name.toLowerCase() === name.toLowerCase());
    if (column !== undefined) return column;
    throw new RangeError(`${quoted(table)} has no column ${quoted(name)}: see ${flag}`);
  };
  const found = { id: find(id, "--id"), plays: find(plays, "--plays") };
  if (!types.ids.includes(found.id.type))
    throw new RangeError(`${quoted(id)} must be text, a whole number or a uuid, not ${found.id.type}`);
  if (!types.plays.includes(found.plays.type))
    throw new RangeError(`${quoted(plays)} must be a whole number, such as bigint, not ${found.plays.type}`);
  if (!found.id.isKey)
    throw new RangeError(
      `${quoted(id)} must be the primary key of ${quoted(table)}, or unique: each of two rows would get the plays of one song`,
    );
  const required = columns.filter(
    (column) => column.isRequired && column !== found.id && column !== found.plays,
  );
  return { ...found, required: required.map(({ name }) => name) };
}
