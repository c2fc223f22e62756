/** The type of the id column, as far as it matters for comparing ids. */
export type IdKind = "text" | "integer" | "uuid";

/** The columns of ids and plays in a table of songs. */
export interface SongColumns {
  kind: IdKind;
  /** The SQL type of the ids. */
  type: string;
  /** True if the column takes ids for equal whose bytes differ. */
  isLoose: boolean;
  /** MySQL: character set and collation of the ids. */
  charset?: string;
  collation?: string;
  /** Most characters of an id of text. */
  length?: number | undefined;
  /** Least and greatest id of whole numbers. */
  min: bigint;
  max: bigint;
  /** Columns without a default that must not be NULL. */
  required: string[];
  /** True if the plays have fewer than 64 bits. */
  isNarrow: boolean;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INTEGER = /^(?:0|-?[1-9]\d{0,19})$/;

/** Returns true if a row can have this id, and no other id is that row's as well: `01` is not 1. */
export function fits({ kind, length, min, max }: SongColumns, id: string): boolean {
  if (kind === "uuid") return UUID.test(id);
  if (kind === "integer") return INTEGER.test(id) && BigInt(id) >= min && BigInt(id) <= max;
  return length === undefined || id.length <= length || [...id].length <= length;
}

/** Returns the least and the greatest whole number of some bits. */
export function rangeOf(bits: bigint, isUnsigned = false): { min: bigint; max: bigint } {
  if (isUnsigned) return { min: 0n, max: (1n << bits) - 1n };
  return { min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n };
}
