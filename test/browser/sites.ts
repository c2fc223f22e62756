import { createHandler, type HandlerOptions, ShardedStore } from "../../src/mod.ts";

/** A play counter in this process that can be stopped, and started again on its port. */
export class Counter {
  readonly store: ShardedStore = new ShardedStore();
  /** The requests so far: method, target, status, and `stream` for one. */
  readonly requests: string[] = [];
  /** Paths that are refused, as a balancer does. */
  refused: string[] = [];
  #handle: ReturnType<typeof createHandler> = createHandler(this.store);
  #server: Bun.Server<undefined> | undefined;
  #port = 0;

  constructor() {
    this.start();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Sets the options of the handler. */
  configure(options: HandlerOptions): void {
    this.#handle = createHandler(this.store, options);
  }

  start(): void {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: this.#port,
      development: false,
      idleTimeout: 60,
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url);
        const isRefused = this.refused.includes(pathname);
        const answer = isRefused ? new Response("", { status: 403 }) : await this.#handle(request);
        const isStream = answer.headers.get("content-type") === "text/event-stream";
        const kind = isStream ? " stream" : "";
        this.requests.push(`${request.method} ${pathname}${search} ${answer.status}${kind}`);
        return answer;
      },
    });
    this.#port = this.#server.port ?? 0;
  }

  async stop(): Promise<void> {
    await this.#server?.stop(true);
  }

  /** The streams that were opened. */
  get streams(): string[] {
    return this.requests.filter((request) => request.endsWith(" stream"));
  }

  /** Waits until no request has come for longer than two polls; fails if they go on. */
  async quiet(): Promise<void> {
    for (let tries = 0; tries < 10; tries++) {
      const { length } = this.requests;
      await Bun.sleep(2500);
      if (this.requests.length === length) return;
    }
    throw new Error(`The requests go on: ${this.requests.slice(-5).join(", ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A site of one page. */
export interface Site extends AsyncDisposable {
  url: string;
}

/** Serves a page as it stands. */
export function serveFile(
  html: string | Promise<string>,
  headers: Readonly<Record<string, string>> = {},
): Site {
  const type = { "content-type": "text/html;charset=utf-8" };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: async () => new Response(await html, { headers: { ...type, ...headers } }),
  });
  return {
    url: server.url.href,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

/** Serves a page with the strictest policy that the element works under. `counter` allows its origin. */
export function serveSite(counter: Counter, body: string): Site {
  const html = `<!doctype html><html lang="en"><title>Songs</title><link rel="icon" href="data:,">
<script type="module" src="${counter.url}play-count.js"></script><body>${body}</body></html>`;
  const { origin } = new URL(counter.url);
  const policy = [
    "default-src 'none'",
    `script-src ${origin}`,
    `connect-src ${origin}`,
    "img-src data:",
    "require-trusted-types-for 'script'",
  ];
  const site = serveFile(html, { "content-security-policy": policy.join("; ") });
  counter.configure({ corsOrigins: new URL(site.url).origin });
  return site;
}
