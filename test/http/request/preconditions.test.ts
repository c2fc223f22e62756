import { describe, expect, test } from "bun:test";
import { Problem } from "../../../src/http/response/problem.ts";
import { matchFails, noneMatchFails, preconditionFailed } from "../../../src/http/request/preconditions.ts";

describe("If-None-Match", () => {
  test.each([
    '"v1"',
    'W/"v1"',
    '"v0", "v1"',
    '"v0","v1","v2"',
    'W/"v0" , W/"v1"',
    '"a,b", "v1"',
    '"", "v1"',
    "*",
    " * ",
    '\t"v1"\t',
  ])("%p fails: it lists v1", (field) => expect(noneMatchFails(field, (tag) => tag === "v1")).toBe(true));

  test.each([null, "", '"v2"', '"v11"', '"xv1"', "v1", '"V1"', '"v1', '"*"', '"v1,v2"', '"v0, v1"'])(
    "%p is fulfilled",
    (field) => expect(noneMatchFails(field, (tag) => tag === "v1")).toBe(false),
  );
});

describe("If-Match", () => {
  const fails = (field: string | null) => matchFails(field, (tag) => tag === "v1");

  test.each([null, "*", " * ", '"v1"', '"v0", "v1"', 'W/"v0","v1"', '"a,b" , "v1"'])(
    "%p is fulfilled for v1",
    (field) => expect(fails(field)).toBe(false),
  );

  test.each(["", '"v2"', 'W/"v1"', 'W/"v0", W/"v1"', "v1", '"v1', '"*"', '"v1,v2"'])(
    "%p fails for v1",
    (field) => expect(fails(field)).toBe(true),
  );

  test("fails if it is malformed", () => {
    // Otherwise a conditional DELETE would be unconditional.
    expect(fails('w/"v1"')).toBe(true);
    expect(fails('x"v1"')).toBe(true);
  });

  test("compares tags until one matches", () => {
    const asked: string[] = [];
    const holds = (tag: string) => asked.push(tag) === 2;
    expect(matchFails('"a", W/"b", "c", "d"', holds)).toBe(false);
    expect(asked).toEqual(["a", "c"]);
  });

  test("without a field compares nothing", () => {
    const holds = () => {
      throw new Error("must not be asked");
    };
    expect(matchFails(null, holds)).toBe(false);
    expect(matchFails("*", holds)).toBe(false);
  });
});

test("A failed condition is 412", () => {
  expect(preconditionFailed()).toBeInstanceOf(Problem);
  expect(preconditionFailed().status).toBe(412);
});
