import { expect } from "bun:test";
import { findProgram, lacks } from "../support/extent.ts";

export const lacksBrowser: boolean = lacks("chromium");

const ARGUMENTS = [
  "--no-sandbox", // which root cannot have
  "--disable-dev-shm-usage", // small in containers
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--js-flags=--expose-gc",
];

/** A page in Chromium. What its console and its policy complain of is a failure, unless a test expects it. */
export class Tab {
  readonly view: Bun.WebView;
  /** Errors of scripts, and violations of the page's policy. */
  readonly problems: string[] = [];

  private constructor(view: Bun.WebView) {
    this.view = view;
  }

  static async open(url: string, width = 1280, height = 900): Promise<Tab> {
    const path = findProgram("chromium") ?? "";
    const view = new Bun.WebView({
      width,
      height,
      backend: { type: "chrome", url: false, path, argv: ARGUMENTS },
    });
    const tab = new Tab(view);
    await view.navigate("about:blank");
    for (const domain of ["Log", "Runtime", "Audits", "Page", "Network"]) await view.cdp(`${domain}.enable`);
    const note = (event: MessageEvent<unknown>) => tab.problems.push(JSON.stringify(event.data));
    view.addEventListener("Runtime.exceptionThrown", note);
    view.addEventListener("Audits.issueAdded", note);
    view.addEventListener<{ entry: { source: string } }>("Log.entryAdded", (event) => {
      if (event.data.entry.source !== "network") note(event); // servers that are stopped, as some tests want
    });
    await view.navigate(url);
    return tab;
  }

  /** Waits until an expression has a value. */
  async until(expression: string, wanted: unknown): Promise<void> {
    const end = Date.now() + 60_000;
    let found: unknown;
    while (Date.now() < end) {
      found = await this.view.evaluate(expression);
      if (Bun.deepEquals(found, wanted)) return;
      await Bun.sleep(20);
    }
    expect({ expression, found }).toEqual({ expression, found: wanted });
  }

  /** Makes the page believe that it is hidden, as another tab over it would. */
  async hide(isHidden: boolean): Promise<void> {
    await this.view
      .evaluate(`(Object.defineProperty(document, "hidden", { configurable: true, get: () => ${isHidden} }),
document.dispatchEvent(new Event("visibilitychange")))`);
  }

  [Symbol.dispose](): void {
    this.view.close();
    expect(this.problems).toEqual([]);
  }
}
