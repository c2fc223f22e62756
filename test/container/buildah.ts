import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The parts of `buildah inspect` that the tests read. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  ExposedPorts: Record<string, object>;
  Volumes: Record<string, object>;
  Healthcheck: { Test: string[] };
  StopSignal: string;
}

/** buildah with images and containers in its own directory, which is removed on disposal. */
export class Buildah implements AsyncDisposable {
  /** The directory. Other temporary files may be put there. */
  readonly home: string;

  private constructor(home: string) {
    this.home = home;
  }

  static async create(): Promise<Buildah> {
    return new Buildah(await mkdtemp(join(tmpdir(), "playcount-container-")));
  }

  /** Returns the command line of buildah with `args`. */
  command(...args: string[]): string[] {
    const storage = ["--root", join(this.home, "root"), "--runroot", join(this.home, "run")];
    return ["env", `TMPDIR=${this.home}`, "buildah", ...storage, "--storage-driver", "vfs", ...args];
  }

  /** Returns the command line that runs `program` in `container`, on the network of this machine. */
  runCommand(container: string, port: number, program: string[]): string[] {
    const options = ["--isolation", "chroot", "--network", "host", "--env", `PLAYCOUNT_PORT=${port}`];
    return this.command("run", ...options, container, "--", ...program);
  }

  /** Runs buildah, and returns its output. Rejects with its errors if it fails. */
  async do(...args: string[]): Promise<string> {
    const { status, output, complaints } = await execute(this.command(...args));
    if (status !== 0) throw new Error(`buildah ${args.join(" ")} ended with ${status}: ${complaints}`);
    return output.trim();
  }

  /** Builds an image from local images only. */
  async build(
    image: string,
    file: string,
    context: string,
    args: Record<string, string> = {},
  ): Promise<void> {
    const buildArgs = Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
    const options = ["--isolation", "chroot", "--format", "docker", "--pull-never", ...buildArgs];
    await this.do("bud", ...options, "--file", file, "--tag", image, context);
  }

  async inspect(image: string): Promise<ImageConfig> {
    const { Docker } = JSON.parse(await this.do("inspect", "--type", "image", image)) as {
      Docker: { config: ImageConfig };
    };
    return Docker.config;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execute(this.command("rm", "--all"));
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Runs a command to its end. */
export async function execute(
  command: string[],
): Promise<{ status: number; output: string; complaints: string }> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, complaints] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, output, complaints };
}
