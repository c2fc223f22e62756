import { expect } from "bun:test";

/** Sends a request about a fold until it succeeds. `failures`: attempts that failed, which may be done. */
export async function askForFold(
  url: string,
  method: string,
  fold: number,
): Promise<{ status: number; text: string; failures: number }> {
  for (let failures = 0; ; failures++) {
    const answer = await fetch(`${url}folds/${fold}`, { method });
    const text = await answer.text();
    if (answer.ok) return { status: answer.status, text, failures };
    expect([500, 503]).toContain(answer.status);
    await Bun.sleep(10);
  }
}
