import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "../../../support/random.ts";
import { stopLater } from "./clean-up.ts";

/** A connection through the proxy: what the client has, and what leads to the server. */
interface Pair {
  client: Socket;
  server: Socket;
  /** Of the server's next answer so many bytes are passed on, and then it is cut; `undefined` if all are. */
  cutBehind: number | undefined;
}

/** What lies between a client and a server, and knows nothing of what they say: its connections can be cut and can hang. */
export class TcpProxy {
  /** The port of the server behind it. */
  target: number = 0;
  /** How many connections were cut. */
  cuts: number = 0;
  /** How many milliseconds later everything comes that a client sends. */
  delayMs: number = 0;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server = createServer((client) => this.#accept(client));
  #isHanging = false;

  /** Starts one; it needs a `target` before anybody connects. */
  static async start(target: number = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy();
    proxy.target = target;
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    stopLater(proxy);
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts each connection: at once, or in the middle of the next answer, or just before or behind it. */
  cut(random: Random): void {
    for (const pair of this.#pairs) {
      if (random.chance(0.5)) this.#end(pair);
      else pair.cutBehind = random.pick([0, random.below(20), Infinity]);
    }
  }

  /** Passes nothing on from now on, in either direction; connections are still taken. */
  hang(): void {
    this.#isHanging = true;
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.pause();
  }

  /** Passes on what has come meanwhile, and what comes. */
  resume(): void {
    this.#isHanging = false;
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.resume();
  }

  stop(): void {
    for (const pair of this.#pairs) this.#end(pair);
    this.#server.close();
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: connect(this.target, "127.0.0.1"), cutBehind: undefined };
    const { server } = pair;
    this.#pairs.add(pair);
    client.on("data", (data: Buffer) => this.#forward(pair, data));
    server.on("data", (data: Buffer) => this.#back(pair, data));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.#end(pair));
      socket.on("close", () => this.#end(pair));
      if (this.#isHanging) socket.pause();
    }
  }

  #forward({ server }: Pair, data: Buffer): void {
    if (this.delayMs === 0) server.write(data);
    else setTimeout(() => server.write(data), this.delayMs);
  }

  #back(pair: Pair, data: Buffer): void {
    const { client, server, cutBehind } = pair;
    if (cutBehind === undefined) return void client.write(data);
    server.pause();
    client.write(data.subarray(0, cutBehind), () => this.#end(pair));
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    this.cuts++;
    pair.client.destroy();
    pair.server.destroy();
  }
}
