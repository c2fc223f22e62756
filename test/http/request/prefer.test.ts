import { expect, test } from "bun:test";
import { prefersMinimal } from "../../../src/http/request/prefer.ts";

test.each([
  "return=minimal",
  "Return = Minimal",
  'return="minimal"',
  "return=minimal; x=1",
  "wait=10, return=minimal",
  'x="a, return=representation", return=minimal',
  "return=minimal, return=representation",
])("%p asks for an answer without a body", (prefer) => expect(prefersMinimal(prefer)).toBe(true));

test.each([
  null,
  "",
  "return",
  "return, return=minimal",
  "return=representation",
  "return=minimal-ish",
  "returns=minimal",
  'x=", return=minimal, "',
  "x; return=minimal",
  `return=minimal, x="${"y".repeat(1024)}"`,
])("%p does not", (prefer) => expect(prefersMinimal(prefer)).toBe(false));
