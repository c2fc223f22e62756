import { expect } from "bun:test";
import { CountServerError } from "../../src/client/client.ts";

/** What a call rejects with; fails if it does not. */
export async function failureOf(call: Promise<unknown>): Promise<CountServerError> {
  const failure = await call.then(
    (value) => new Error(`It gave ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(CountServerError);
  return failure as CountServerError;
}
