import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { isWhole } from "../support/connection.ts";

/** A request that reached a stand-in. */
export interface Seen {
  /** The index of the stand-in. */
  server: number;
  /** Its method and path. */
  line: string;
  /** The number of earlier requests on its connection. */
  before: number;
}

/** The fate of a request: a response with this status, or a failure without one. */
export type Fate = number | "closed" | "reset" | "silent";

/** Servers that stand for playcounts, record the requests, and fail on demand. */
export class StandIns {
  readonly seen: Seen[] = [];
  readonly #servers: Server[] = [];
  readonly #ports: number[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #unwell = new Set<number>();
  /** The fates of the next requests, at any server. Later requests succeed. */
  #fates: Fate[] = [];

  static async start(count: number): Promise<StandIns> {
    const standIns = new StandIns();
    for (let at = 0; at < count; at++) await standIns.listen(at);
    return standIns;
  }

  get urls(): string[] {
    return this.#ports.map((port) => `http://127.0.0.1:${port}`);
  }

  /** Sets the fates of the next requests, and forgets the requests so far. */
  expect(...fates: Fate[]): void {
    this.#fates = fates;
    this.seen.length = 0;
  }

  /** Makes the health check of a stand-in fail. */
  sicken(at: number): void {
    this.#unwell.add(at);
  }

  /** Stops a stand-in. */
  async refuse(at: number): Promise<void> {
    const server = this.#servers[at] as Server;
    server.close();
    for (const socket of this.#sockets) if (socket.localPort === this.#ports[at]) socket.destroy();
    await once(server, "close");
  }

  /** Starts a stand-in again on its port. */
  async listen(at: number): Promise<void> {
    const server = createServer((socket) => this.#serve(at, socket));
    server.listen(this.#ports[at] ?? 0, "127.0.0.1");
    await once(server, "listening");
    this.#servers[at] = server;
    this.#ports[at] = (server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(at: number, socket: Socket): void {
    this.#sockets.add(socket);
    let received = "";
    let before = 0;
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (data) => {
      received += data.toString("latin1");
      if (!isWholeRequest(received)) return;
      const line = received.slice(0, received.indexOf(" HTTP/"));
      received = "";
      if (line === "GET /health") return void socket.write(answer(this.#unwell.has(at) ? 503 : 200));
      this.seen.push({ server: at, line, before: before++ });
      meet(socket, line, this.#fates.shift() ?? 200);
    });
  }
}

function meet(socket: Socket, line: string, fate: Fate): void {
  if (fate === "closed") socket.destroy();
  else if (fate === "reset") socket.resetAndDestroy();
  else if (fate !== "silent") socket.write(answer(fate, line.startsWith("HEAD ")));
}

function answer(status: number, isHead: boolean = false): string {
  const text = `answered ${status}`;
  return `HTTP/1.1 ${status} Some\r\ncontent-length: ${text.length}\r\n\r\n${isHead ? "" : text}`;
}

/** Supports no chunked requests: the tests send none. */
function isWholeRequest(received: string): boolean {
  return received.includes("\r\n\r\n") && (!/\r\ncontent-length:/i.test(received) || isWhole(received));
}
