import type { Metrics } from "./metrics.ts";

/** How often it is looked. */
const EVERY_MS = 100;

/** Looks, until `signal` is aborted, how late the event loop comes to what is due. */
export function watchEventLoop(metrics: Metrics, signal: AbortSignal): void {
  let due = performance.now() + EVERY_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    metrics.observeDelay(Math.max(0, now - due) / 1000);
    due = now + EVERY_MS;
  }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
