import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { stopLater } from "./clean-up.ts";
import { Reader, type Reply } from "./resp.ts";

/**
 * The treatment of a command:
 *
 * - `well`: it is passed on; `twice`: it is passed on twice, and answered once.
 * - `never`: neither it nor any later command is answered; `late`: the same, and `passOn` executes it.
 * - `close before`, `close after`: the connection is closed before or after its execution.
 * - `answer`: the interposer sends this answer, and does not pass the command on.
 */
export type Fate = "well" | "twice" | "never" | "late" | "close before" | "close after" | { answer: string };

/** A received command, and its answer if it has come. */
interface Taken {
  fate: Fate;
  /** Number of answers still to come from the server. The first one is passed on. */
  wanted: number;
  answer: Buffer | undefined;
}

/** A proxy in front of Redis that makes commands fail in ways that are rare in practice. */
export class Interposer {
  /** Returns the fate of a command. */
  fate: (words: readonly string[]) => Fate = () => "well";
  /** The names of all commands so far. */
  readonly seen: string[] = [];
  readonly target: number;
  readonly #server: Server = createServer((client) => this.#accept(client));
  readonly #sockets = new Set<Socket>();
  /** Functions that execute the late commands. */
  readonly #late: (() => Promise<void>)[] = [];

  private constructor(target: number) {
    this.target = target;
  }

  /** Starts an interposer in front of the server on a port. */
  static async start(target: number): Promise<Interposer> {
    const interposer = new Interposer(target);
    interposer.#server.listen(0, "127.0.0.1");
    await once(interposer.#server, "listening");
    stopLater(interposer);
    return interposer;
  }

  /** The URL for `--store`. */
  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Executes all late commands, and returns their number. */
  async passOn(): Promise<number> {
    const late = this.#late.splice(0);
    for (const pass of late) await pass();
    return late.length;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(client: Socket): void {
    const server = connect(this.target, "127.0.0.1");
    const end = () => {
      for (const socket of [client, server]) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
      this.#sockets.add(socket);
    }
    const dialogue = new Dialogue(client, server, end);
    const requests = new Reader();
    const answers = new Reader();
    client.on("data", (data: Buffer) => {
      for (const { value, bytes } of requests.take(data)) {
        const words = (value as Reply[]).map(String);
        this.seen.push((words[0] ?? "").toUpperCase());
        const fate = this.fate(words);
        if (fate === "late") this.#late.push(() => this.#pass(Buffer.from(bytes)));
        dialogue.ask(fate === "late" ? "never" : fate, bytes);
      }
    });
    server.on("data", (data: Buffer) => {
      for (const { bytes } of answers.take(data)) dialogue.answer(bytes);
    });
  }

  /** Sends a command over a new connection, because its own is closed. */
  async #pass(bytes: Buffer): Promise<void> {
    const server = connect(this.target, "127.0.0.1");
    server.write(bytes);
    await once(server, "data");
    server.destroy();
  }
}

/** The commands of one connection and their answers, which come in the order of the commands. */
class Dialogue {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #end: () => void;
  readonly #taken: Taken[] = [];

  constructor(client: Socket, server: Socket, end: () => void) {
    this.#client = client;
    this.#server = server;
    this.#end = end;
  }

  ask(fate: Fate, bytes: Buffer): void {
    if (fate === "close before") return this.#end();
    const wanted = fate === "twice" ? 2 : fate === "well" || fate === "close after" ? 1 : 0;
    for (let n = 0; n < wanted; n++) this.#server.write(bytes);
    this.#taken.push({
      fate,
      wanted,
      answer: typeof fate === "object" ? Buffer.from(fate.answer, "latin1") : undefined,
    });
    this.#flush();
  }

  answer(bytes: Buffer): void {
    const waiting = this.#taken.find(({ wanted }) => wanted > 0);
    if (waiting === undefined) return void this.#client.write(bytes); // a push message
    waiting.answer ??= Buffer.from(bytes);
    waiting.wanted--;
    if (waiting.fate === "close after") this.#end();
    this.#flush();
  }

  #flush(): void {
    for (let first = this.#taken[0]; first?.answer !== undefined; first = this.#taken[0]) {
      // The second answer to a repeated command is still to come, and is dropped.
      if (first.wanted > 0) return;
      this.#client.write(first.answer);
      this.#taken.shift();
    }
  }
}

/** Returns an error reply. */
export function error(text: string): Fate {
  return { answer: `-${text}\r\n` };
}

/** Returns true for scripts that may count something, false for other commands and for test writes. */
export function mayCount([name = "", ...words]: readonly string[]): boolean {
  return /^(?:EVAL|EVALSHA|FCALL)$/i.test(name) && !words.some((word) => word.endsWith("}:probe"));
}
