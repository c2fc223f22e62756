import { join } from "node:path";
import process from "node:process";

const root = join(import.meta.dir, "../..");
const bin = join(root, "node_modules/.bin");

const node = join(bin, "node");

// What is installed as `deno` is a script that starts the program and passes no signal on to it.
const findDeno = [node, join(bin, "deno"), "eval", "console.log(Deno.execPath())"];
const deno = Bun.spawnSync(findDeno).stdout.toString().trim();

/** How each runtime that runs programs is told to run one. */
export const RUNTIMES: Readonly<Record<"bun" | "deno" | "node", readonly string[]>> = {
  bun: [process.execPath],
  deno: [deno, "run", "-A", "--no-config"],
  node: [node],
};

/** A program that has ended. */
export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A program that says where it listens. */
export interface Listening {
  /** As it says, but for a slash at the end, which is always there. */
  url: string;
  process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Comes when it has ended, with all that it wrote. */
  ended: Promise<Ended>;
}

/** Programs started here that may still run, for {@linkcode killAll}. */
const started: Bun.Subprocess[] = [];

/** Runs a program to its end. Of this process's environment it gets what does not set playcount. */
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

/** Starts a program and waits for the line in which it says where it listens. */
export async function listen(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  folder: string = root,
): Promise<Listening> {
  const child = start(command, environment, folder);
  const ready = Promise.withResolvers<string>();
  const find = (text: string) => {
    const [url] = /\bhttp:\/\/\S+(?=\s)/.exec(text) ?? [];
    const [, port] = /^\{.*"port":(\d+).*\}/.exec(text) ?? []; // as workerd says it
    if (url !== undefined) ready.resolve(url.replace(/\/?$/, "/"));
    else if (port !== undefined) ready.resolve(`http://127.0.0.1:${port}/`);
  };
  const stdout = readAll(child.stdout, find);
  const stderr = readAll(child.stderr, find); // `deno serve` says it there
  const ended = Promise.all([stdout, stderr, child.exited]).then(([stdout, stderr, status]) => {
    const end = { status: child.signalCode === null ? status : null, stdout, stderr };
    ready.reject(new Error(`${command.join(" ")} ended before it listened: ${JSON.stringify(end)}`));
    return end;
  });
  return { url: await ready.promise, process: child, ended };
}

/** Ends what was started here and still runs, after a test that failed, say. */
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
    env: { ...Object.fromEntries(inherited), ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  started.push(child);
  return child;
}

/** All of a stream's text; `seen` is told after each piece what there is until now. */
async function readAll(stream: ReadableStream<Uint8Array>, seen: (text: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream) {
    text += decoder.decode(piece, { stream: true });
    seen(text);
  }
  return text;
}
