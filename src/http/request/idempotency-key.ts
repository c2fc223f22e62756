import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import { MAX_FIELD_LENGTH } from "./list.ts";
import type { RequestKey } from "../../store/request-key.ts";

/** A structured-field string (RFC 9651 §3.3.3): the name of a writer, and the number of its request. */
export const KEY: RegExp = /"([A-Za-z0-9._-]{1,64}):(\d{1,16})"/;

/** The value of a parameter (RFC 9651 §3.3): number, date, string, display string, token, bytes, boolean. */
const VALUE = [
  String.raw`@?-?\d{1,15}(?:\.\d{1,3})?`,
  String.raw`%?"(?:[^"\\]|\\["\\])*"`,
  String.raw`[A-Za-z*][\w!#$%&'*+.^|~:/\x60-]*`,
  ":[A-Za-z0-9+/=]*:",
  String.raw`\?[01]`,
].join("|");

/** An item, whose parameters have no meaning here and are ignored. */
const ITEM = new RegExp(`^ *${KEY.source}(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:${VALUE}))?)* *$`);

/** Prefix of the writers that send the token for everything: no other client can use one of their names. */
const MANAGER_PREFIX = "!";

/**
 * Reads an `Idempotency-Key`, as in `"importer-7:42"`; `undefined` without one. Parameters are ignored.
 *
 * Writers that send the token for everything have a name space of their own.
 *
 * @throws {Problem} 400 for any other form.
 */
export function readKey(headers: Headers, isManager: (headers: Headers) => boolean): RequestKey | undefined {
  const field = headers.get("idempotency-key");
  if (field === null) return undefined;
  const [, writer, digits = ""] = (field.length > MAX_FIELD_LENGTH ? null : ITEM.exec(field)) ?? [];
  const seq = parseWholeNumber(digits);
  if (writer !== undefined && seq !== undefined)
    return { writer: isManager(headers) ? MANAGER_PREFIX + writer : writer, seq };
  throw new Problem(
    400,
    'Idempotency-Key must be "writer:seq" in double quotes: 1 to 64 of A-Z a-z 0-9 . _ -, and a whole number up to 2^53 - 1',
  );
}
