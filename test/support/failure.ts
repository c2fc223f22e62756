import { expect } from "bun:test";
import { CountServerError } from "../../src/client/client.ts";

/** Returns the error that a call rejects with. Fails the test if the call resolves. */
export async function failureOf(call: Promise<unknown>): Promise<CountServerError> {
  const failure = await call.then(
    (value) => new Error(`The call resolved to ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(CountServerError);
  return failure as CountServerError;
}
