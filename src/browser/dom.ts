// The parts of a browser that the scripts of this folder use. They are compiled with the server, whose types
// have no document. test/portable/browser.ts compares these types with those of the compiler's library.

/** Part of an `Event`. */
export interface BrowserEvent {
  /** True for a page from the back/forward cache. */
  readonly persisted?: boolean;
}

export type BrowserEvents = (type: string, listener: (event: BrowserEvent) => void) => void;

export interface BrowserElement {
  textContent: string | null;
  readonly isConnected: boolean;
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
  closest(selector: string): BrowserElement | null;
  dispatchEvent(event: Event): boolean;
}

/** An element of the page for people. */
export interface PageElement extends BrowserElement {
  className: string;
  toggleAttribute(name: string, isSet: boolean): unknown;
  readonly style?: { setProperty(name: string, value: string): void };
  readonly children: ArrayLike<PageElement>;
  readonly lastElementChild: PageElement | null;
  append(child: unknown): void;
  remove(): void;
  setAttribute(name: string, value: string): void;
  addEventListener: BrowserEvents;
}

export interface BrowserDocument {
  readonly hidden: boolean;
  createElement(tag: string): PageElement;
  getElementById(id: string): PageElement | null;
  addEventListener: BrowserEvents;
}

export interface ElementRegistry {
  get(name: string): unknown;
  define(name: string, element: new () => BrowserElement): void;
}

export interface BrowserNavigator {
  readonly onLine: boolean;
  readonly locks?: {
    request(name: string, options: { signal: AbortSignal }, held: () => unknown): Promise<unknown>;
  };
}

export interface BrowserChannel {
  addEventListener(type: string, listener: (event: { data: unknown }) => void): void;
  postMessage(message: unknown): void;
  close(): void;
}

export interface BrowserEventSource {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data: string }) => void): void;
  close(): void;
}
