// Patterns of the OpenAPI document, in the syntax that all languages share. A property tester sends whatever
// they match, so they are exact. Only numbers have fewer digits than the highest one, which a pattern cannot
// express.

const DIGITS = "[0-9]{1,15}";

/** A number in text. */
export const NUMBER_PATTERN: string = `^${DIGITS}$`;

/** An id: neither `.` nor `..`, without U+0000 and U+FFFD. */
export const ID_PATTERN: string = String.raw`^(\.*[^.\x00�][^\x00�]*|\.{3,})$`;

/** The label of a fold. */
export const LABEL_PATTERN: string = "^[!-~]([ -~]*[!-~])?$";

/** An `Idempotency-Key` without parameters. */
export const KEY_PATTERN: string = `^"[A-Za-z0-9._-]{1,64}:${DIGITS}"$`;

/** A mapping in text, with its ids encoded as `encodeURIComponent` does: UTF-8 (RFC 3629 §4) in capitals. */
export const MAPPING_PATTERN: string = mappingPattern();

function mappingPattern(): string {
  const [hex, tail] = ["[0-9A-F]", "%[89AB][0-9A-F]"];
  const one = `0[1-9A-F]|[13-7]${hex}|2[0-9A-DF]`; // neither U+0000 nor a dot
  const two = `(C[2-9A-F]|D${hex})${tail}`;
  const three = `(E0%[AB]${hex}|E[1-9A-CE]${tail}|ED%[89]${hex}|EF%[89A]${hex}|EF%B[0-9A-E])${tail}`;
  const last = `EF%BF%([89A]${hex}|B[0-9ABCEF])`; // U+FFC0 to U+FFFF, without U+FFFD
  const four = `(F0%[9AB]${hex}|F[1-3]${tail}|F4%8${hex})${tail}${tail}`;
  const unit = `[A-Za-z0-9_!~*'()-]|%(${one}|${two}|${three}|${last}|${four})`;
  const pair = String.raw`(\.*(${unit})(\.|${unit})*|\.{3,})=${DIGITS}`;
  return `^(${pair}(,${pair})*)?$`;
}
