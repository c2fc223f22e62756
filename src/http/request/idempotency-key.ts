import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import type { RequestKey } from "../../store/request-key.ts";

/** A structured-field string (RFC 9651 §3.3.3): the name of a writer, and the number of its request. */
const KEY = /^ *"([A-Za-z0-9._-]{1,64}):(\d{1,16})" *$/;

/** Prefix of the writers that send the token for everything: no other client can use one of their names. */
const MANAGER_PREFIX = "!";

/**
 * Reads an `Idempotency-Key`, as in `"importer-7:42"`; `undefined` without one.
 *
 * Writers that send the token for everything have a name space of their own.
 *
 * @throws {Problem} 400 for any other form.
 */
export function readKey(headers: Headers, isManager: (headers: Headers) => boolean): RequestKey | undefined {
  const field = headers.get("idempotency-key");
  if (field === null) return undefined;
  const [, writer, digits = ""] = KEY.exec(field) ?? [];
  const seq = parseWholeNumber(digits);
  if (writer !== undefined && seq !== undefined)
    return { writer: isManager(headers) ? MANAGER_PREFIX + writer : writer, seq };
  throw new Problem(
    400,
    'Idempotency-Key must be "writer:seq" in double quotes: 1 to 64 of A-Z a-z 0-9 . _ -, and a whole number up to 2^53 - 1',
  );
}
