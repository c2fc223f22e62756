/**
 * `bun viewers-child.ts PORT COUNT WAY PATH` has COUNT clients view the counts of PATH until SIGTERM. WAY is
 * `stream`, `poll` (every two seconds, with the ETag), or `stall`: a stream of which only the first bytes are
 * read.
 *
 * Prints a line when all clients have a first answer, and another one with the number of later answers. Raw
 * sockets, whose bytes are hardly looked at: the server is what is measured.
 */
import process from "node:process";

const POLL_MS = 2000;
/** Connections that are opened at a time. */
const WIDTH = 100;

const [port = "", count = "", way = "", path = ""] = process.argv.slice(2);
const accept = way === "poll" ? "application/json" : "text/event-stream";
let answers = 0;

class Viewer {
  readonly ready: PromiseWithResolvers<void> = Promise.withResolvers();
  #socket: Bun.Socket | undefined;
  #isReady = false;
  #tag = "";

  async open(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(port),
      socket: { data: (socket, bytes) => this.#receive(socket, bytes), close: fail },
    });
    this.ask();
    await this.ready.promise;
  }

  ask(): void {
    const condition = this.#tag === "" ? "" : `if-none-match: ${this.#tag}\r\n`;
    this.#socket?.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: ${accept}\r\n${condition}\r\n`);
  }

  #receive(socket: Bun.Socket, bytes: Buffer): void {
    if (way === "poll")
      [, this.#tag = ""] = /\r\netag: ([^\r]+)/i.exec(bytes.toString("latin1", 0, 500)) ?? [];
    if (this.#isReady) answers++;
    else if (!bytes.toString("latin1", 0, 12).endsWith(" 200")) fail();
    else if (way === "stall") socket.pause();
    this.#isReady = true;
    this.ready.resolve();
  }
}

const viewers = Array.from({ length: Number(count) }, () => new Viewer());
for (let at = 0; at < viewers.length; at += WIDTH)
  await Promise.all(viewers.slice(at, at + WIDTH).map((viewer) => viewer.open()));
console.log("ready");
answers = 0;
if (way === "poll")
  for (const [n, viewer] of viewers.entries())
    setTimeout(() => setInterval(() => viewer.ask(), POLL_MS), (n / viewers.length) * POLL_MS);
process.on("SIGTERM", () => {
  console.log(String(answers));
  process.exit(0);
});

/** Exits: a run in which a view failed has no figures. */
function fail(): never {
  console.error("a viewer was refused, or its connection closed");
  process.exit(1);
}
