import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { stopLater } from "./clean-up.ts";
import { Reader, type Reply } from "./resp.ts";

/**
 * What becomes of a command: it is passed on; it is passed on `twice`, and answered once; nobody ever answers it, nor
 * what comes behind it (`never`), and perhaps it is passed on `late`; the connection is closed `before` it is passed on,
 * or `behind` it, when it was done and is not answered; or this is answered, and it is not passed on.
 */
export type Fate = "well" | "twice" | "never" | "late" | "close before" | "close behind" | { answer: string };

/** A command that was taken, and its answer as soon as it is there. */
interface Taken {
  fate: Fate;
  /** So many answers of the server belong to it, and the first one is passed on. */
  wanted: number;
  answer: Buffer | undefined;
}

/** A Redis in front of another one, or of none, that has commands fail in ways that a real one fails in rarely. */
export class Interposer {
  /** Says what becomes of a command. */
  fate: (words: readonly string[]) => Fate = () => "well";
  /** The commands that have come, each by its name. */
  readonly seen: string[] = [];
  readonly target: number;
  readonly #server: Server = createServer((client) => this.#accept(client));
  readonly #sockets = new Set<Socket>();
  /** Commands that are late, with what has them done. */
  readonly #late: (() => Promise<void>)[] = [];

  private constructor(target: number) {
    this.target = target;
  }

  /** Starts one in front of the server of a port. */
  static async start(target: number): Promise<Interposer> {
    const interposer = new Interposer(target);
    interposer.#server.listen(0, "127.0.0.1");
    await once(interposer.#server, "listening");
    stopLater(interposer);
    return interposer;
  }

  /** What `--store` is told. */
  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Has all commands done that are late, whoever still waits for them; gives how many those were. */
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

  /** Sends a command over a connection of its own: that on which it came is closed by now. */
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
    const wanted = fate === "twice" ? 2 : fate === "well" || fate === "close behind" ? 1 : 0;
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
    if (waiting === undefined) return void this.#client.write(bytes); // what it says without being asked
    waiting.answer ??= Buffer.from(bytes);
    waiting.wanted--;
    if (waiting.fate === "close behind") this.#end();
    this.#flush();
  }

  #flush(): void {
    for (let first = this.#taken[0]; first?.answer !== undefined; first = this.#taken[0]) {
      // The second answer to what was sent twice is still to come, and is not passed on.
      if (first.wanted > 0) return;
      this.#client.write(first.answer);
      this.#taken.shift();
    }
  }
}

/** How Redis says that something is wrong. */
export function error(text: string): Fate {
  return { answer: `-${text}\r\n` };
}

/** Whether a command may count something: it is a script, and none that only looks how Redis is. */
export function mayCount([name = "", ...words]: readonly string[]): boolean {
  return /^(?:EVAL|EVALSHA|FCALL)$/i.test(name) && !words.some((word) => word.endsWith("}:probe"));
}
