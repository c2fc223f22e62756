/** RFC 6750 §2.1. */
export const TOKEN: RegExp = /^(?:[A-Za-z0-9._~+/-]+=*)?$/;
export const TOKEN_EXPECTED: string = "a bearer token of A-Z a-z 0-9 - . _ ~ + /";

/** Accepts what compiles. A regular expression cannot tell. */
export const VALID_REGEX: Pick<RegExp, "test"> = {
  test(source) {
    try {
      return new RegExp(source, "u") instanceof RegExp;
    } catch {
      return false;
    }
  },
};
