import type {
  BrowserChannel,
  BrowserDocument,
  BrowserElement,
  BrowserEvents,
  BrowserEventSource,
  BrowserNavigator,
  ElementRegistry,
} from "../../src/browser/dom.ts";

// This file is compiled alone, with the library of browsers: browser.json.

/** What the scripts expect of a browser. */
interface Expected {
  BroadcastChannel: new (name: string) => BrowserChannel;
  EventSource: new (url: string) => BrowserEventSource;
  HTMLElement: new () => BrowserElement;
  addEventListener: BrowserEvents;
  customElements: ElementRegistry;
  document: BrowserDocument;
  navigator: BrowserNavigator;
}

export const browser: Expected = globalThis;
