import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A proxy on loopback that can cut all of its connections. */
export class CuttingProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#join(client));
  readonly #port: number;
  #losesAnswers = false;

  /** Forwards to `port`. */
  constructor(port: number) {
    this.#port = port;
  }

  /** Starts, and returns its port. */
  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#losesAnswers = false;
  }

  /** Cuts all connections when the next answer comes: the server has done what was asked. */
  loseNextAnswer(): void {
    this.#losesAnswers = true;
  }

  stop(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    const server = connect(this.#port, "127.0.0.1");
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        for (const other of [client, server]) other.destroy();
      });
    }
    client.on("data", (data) => server.write(data));
    server.on("data", (data) => {
      if (this.#losesAnswers) this.cut();
      else client.write(data);
    });
  }
}
