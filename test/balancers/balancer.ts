import { type Subprocess, spawn } from "bun";
import { connect } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, lacks } from "../support/extent.ts";

export type Program = "nginx" | "haproxy";

/** The balancers that are tested on this machine. */
export const PROGRAMS: readonly Program[] = (["nginx", "haproxy"] as const).filter(
  (program) => !lacks(program),
);

const running: Balancer[] = [];

/** A balancer with its own configuration. It runs in the foreground, as the user of the test. */
export class Balancer {
  /** The URL, without a slash at the end. */
  readonly url: string;
  readonly #child: Subprocess<"ignore", "ignore", "pipe">;
  /** The folder of every file that it writes. */
  readonly folder: string;

  private constructor(program: Program, port: number, configuration: string) {
    const path = findProgram(program);
    if (path === undefined) throw new Error(`${program} cannot be tested: it is not installed.`);
    this.url = `http://127.0.0.1:${port}`;
    this.folder = mkdtempSync(join(tmpdir(), "playcount-balancer-"));
    const words = program === "nginx" ? prepareNginx : prepareHaproxy;
    const command = [path, ...words(this.folder, configuration)];
    this.#child = spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  }

  /** Starts a balancer, and waits until it listens on `port`, the port of its configuration. */
  static async start(program: Program, port: number, configuration: string): Promise<Balancer> {
    const balancer = new Balancer(program, port, configuration);
    running.push(balancer);
    while (!(await isListening(port))) {
      if (balancer.#child.exitCode !== null)
        throw new Error(`${program} does not start: ${await balancer.#child.stderr.text()}`);
      await Bun.sleep(10);
    }
    return balancer;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Stops the balancers that were started. */
export async function stopBalancers(): Promise<void> {
  await Promise.all(running.splice(0).map((balancer) => balancer.stop()));
}

/** Writes the file that includes a file of `conf.d`, as Debian has it. nginx writes to the folder only. */
function prepareNginx(folder: string, configuration: string): string[] {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`);
  writeFileSync(join(folder, "playcount.conf"), configuration);
  writeFileSync(
    join(folder, "nginx.conf"),
    `pid ${join(folder, "pid")};
     daemon off;
     master_process off; # one process, which can be killed
     error_log stderr;
     events {}
     http { access_log off; ${paths.join(" ")} include ${join(folder, "playcount.conf")}; }`,
  );
  return ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
}

function prepareHaproxy(folder: string, configuration: string): string[] {
  writeFileSync(join(folder, "haproxy.cfg"), configuration);
  return ["-db", "-f", join(folder, "haproxy.cfg")];
}

function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => {
    socket.destroy();
    resolve(true);
  });
  socket.on("error", () => resolve(false));
  return promise;
}
