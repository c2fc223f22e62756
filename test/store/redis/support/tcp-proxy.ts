import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "../../../support/random.ts";
import { stopLater } from "./clean-up.ts";

/** The two sockets of a connection through the proxy. */
interface Pair {
  client: Socket;
  server: Socket;
  /** Number of bytes of the next answer after which the connection is cut. */
  cutAfter: number | undefined;
}

/** A TCP proxy whose connections can be cut and can hang. */
export class TcpProxy {
  /** Port of the server. */
  target: number = 0;
  /** Number of connections that were cut. */
  cuts: number = 0;
  /** Delay of everything that a client sends. */
  delayMs: number = 0;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server = createServer((client) => this.#accept(client));
  #isHanging = false;

  /** Starts a proxy. Set `target` before a client connects. */
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

  /** Cuts each connection: at once, or before, within or after its next answer. */
  cut(random: Random): void {
    for (const pair of this.#pairs) {
      if (random.chance(0.5)) this.#end(pair);
      else pair.cutAfter = random.pick([0, random.below(20), Infinity]);
    }
  }

  /** Stops passing data on, in both directions. Connections are still accepted. */
  hang(): void {
    this.#isHanging = true;
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.pause();
  }

  /** Passes data on again, beginning with the data that was held back. */
  resume(): void {
    this.#isHanging = false;
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.resume();
  }

  stop(): void {
    for (const pair of this.#pairs) this.#end(pair);
    this.#server.close();
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: connect(this.target, "127.0.0.1"), cutAfter: undefined };
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
    const { client, server, cutAfter } = pair;
    if (cutAfter === undefined) return void client.write(data);
    server.pause();
    client.write(data.subarray(0, cutAfter), () => this.#end(pair));
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    this.cuts++;
    pair.client.destroy();
    pair.server.destroy();
  }
}
