import { Glob } from "bun";
import { join } from "node:path";
import process from "node:process";

const root = join(import.meta.dir, "../..");
const modules = join(root, "node_modules");
const node = join(modules, ".bin/node");

// The command `deno` of npm starts this program, and does not pass signals on to it.
const [deno = "deno"] = new Glob("@deno/*/deno{,.exe}").scanSync({ cwd: modules, absolute: true });

/** Folder where Node keeps the compiled modules of the program, which takes most of the time of its start. */
const NODE_CACHE = join(modules, ".cache/node");

/** The command that runs a program on each runtime. */
export const RUNTIMES: Readonly<Record<"bun" | "deno" | "node", readonly string[]>> = {
  bun: [process.execPath],
  deno: [deno, "run", "-A", "--no-config"],
  node: [node],
};

/** The result of a program. */
export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A program that has printed the URL that it listens on. */
export interface Listening {
  /** The printed URL, with a slash at its end; the host of another socket than that of a port. */
  url: string;
  process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Resolves when the program has ended, with its output. */
  ended: Promise<Ended>;
}

/** Programs that were started and may still run, for {@linkcode killAll}. */
const started: Bun.Subprocess[] = [];

/** Runs a program to its end. It inherits the environment except the variables of playcount. */
export async function run(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  folder: string = root,
): Promise<Ended> {
  const child = start(command, environment, folder);
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { status: child.signalCode === null ? status : null, stdout, stderr };
}

/** Starts a program, and waits until it prints its URL. `onText` gets the output so far. */
export async function listen(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  folder: string = root,
  onText: (text: string) => void = () => {},
): Promise<Listening> {
  const child = start(command, environment, folder);
  const ready = Promise.withResolvers<string>();
  const find = (text: string) => {
    onText(text);
    const [url] = /\bhttp:\/\/[^\s"]+(?=[\s"])/.exec(text) ?? [];
    const [, socket] = /\blistens on ((?:unix|fd):[^\s"]+)/.exec(text) ?? [];
    const [, port] = /^\{.*"port":(\d+).*\}/.exec(text) ?? []; // the format of workerd
    if (socket !== undefined) ready.resolve(socket);
    else if (url !== undefined) ready.resolve(url.replace(/\/?$/, "/"));
    else if (port !== undefined) ready.resolve(`http://127.0.0.1:${port}/`);
  };
  const stdout = readAll(child.stdout, find);
  const stderr = readAll(child.stderr, find); // `deno serve` prints it there
  const ended = Promise.all([stdout, stderr, child.exited]).then(([stdout, stderr, status]) => {
    const end = { status: child.signalCode === null ? status : null, stdout, stderr };
    ready.reject(new Error(`${command.join(" ")} ended before it listened: ${JSON.stringify(end)}`));
    return end;
  });
  return { url: await ready.promise, process: child, ended };
}

/** Kills the programs that were started and still run, for example after a failed test. */
export async function killAll(): Promise<void> {
  for (const child of started) child.kill("SIGKILL");
  await Promise.all(started.splice(0).map((child) => child.exited));
}

function start(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  folder: string,
): Bun.Subprocess<"ignore", "pipe", "pipe"> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("PLAYCOUNT_"));
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { NODE_COMPILE_CACHE: NODE_CACHE, ...Object.fromEntries(inherited), ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  started.push(child);
  return child;
}

/** Reads a stream to its end as text. Calls `onText` with the text so far after each piece. */
async function readAll(stream: ReadableStream<Uint8Array>, onText: (text: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream) {
    text += decoder.decode(piece, { stream: true });
    onText(text);
  }
  return text;
}
