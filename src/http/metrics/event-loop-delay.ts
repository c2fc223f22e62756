import type { Metrics } from "./metrics.ts";

const INTERVAL_MS = 100;

/** Measures ten times a second how late timers run, until `signal` is aborted. */
export function watchEventLoop(metrics: Metrics, signal: AbortSignal): void {
  let due = performance.now() + INTERVAL_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    metrics.observeDelay(Math.max(0, now - due) / 1000);
    due = now + INTERVAL_MS;
  }, INTERVAL_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
