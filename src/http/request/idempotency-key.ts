import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import type { RequestKey } from "../../store/request-key.ts";

/** A structured-field string (RFC 9651 §3.3.3) of a writer's name and the number of its request. */
const KEY = /^ *"([A-Za-z0-9._-]{1,64}):(\d{1,16})" *$/;

/** In front of the names of writers who have the token for everything: nobody else can take one of theirs. */
const TRUSTED = "!";

/**
 * Reads an `Idempotency-Key`, as in `"importer-7:42"`; `undefined` if there is none.
 *
 * What who has the token for everything writes is kept apart from what others do under the same name.
 *
 * @throws {Problem} 400 if it is not of that form.
 */
export function readKey(headers: Headers, isManager: (headers: Headers) => boolean): RequestKey | undefined {
  const field = headers.get("idempotency-key");
  if (field === null) return undefined;
  const [, writer, digits = ""] = KEY.exec(field) ?? [];
  const seq = parseWholeNumber(digits);
  if (writer !== undefined && seq !== undefined)
    return { writer: isManager(headers) ? TRUSTED + writer : writer, seq };
  throw new Problem(
    400,
    'Idempotency-Key must be "writer:seq" in double quotes: 1 to 64 of A-Z a-z 0-9 . _ -, and a whole number up to 2^53 - 1',
  );
}
