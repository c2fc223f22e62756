import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { isWhole } from "../support/connection.ts";

/** A request that has reached a stand-in. */
export interface Seen {
  /** Which of them. */
  server: number;
  /** Its method and path. */
  line: string;
  /** How many requests came over this connection before. */
  before: number;
}

/** What becomes of a request: an answer with this status, or none. */
export type Fate = number | "closed" | "reset" | "silent";

/** Servers in the place of playcounts, that tell what they have seen, and fail when they are told. */
export class StandIns {
  readonly seen: Seen[] = [];
  readonly #servers: Server[] = [];
  readonly #ports: number[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #unwell = new Set<number>();
  /** Of those that come next, whichever server they come to. Then all is well. */
  #fates: Fate[] = [];

  static async start(count: number): Promise<StandIns> {
    const standIns = new StandIns();
    for (let at = 0; at < count; at++) await standIns.listen(at);
    return standIns;
  }

  get urls(): string[] {
    return this.#ports.map((port) => `http://127.0.0.1:${port}`);
  }

  /** What shall become of the requests that come next, and forgets those that came. */
  expect(...fates: Fate[]): void {
    this.#fates = fates;
    this.seen.length = 0;
  }

  /** Has one of them say of itself that it is not ready. */
  sicken(at: number): void {
    this.#unwell.add(at);
  }

  /** Has one of them listen no more. */
  async refuse(at: number): Promise<void> {
    const server = this.#servers[at] as Server;
    server.close();
    for (const socket of this.#sockets) if (socket.localPort === this.#ports[at]) socket.destroy();
    await once(server, "close");
  }

  /** Has one of them listen, on the same port as before. */
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

/** None of the requests that are sent here comes in chunks. */
function isWholeRequest(received: string): boolean {
  return received.includes("\r\n\r\n") && (!/\r\ncontent-length:/i.test(received) || isWhole(received));
}
