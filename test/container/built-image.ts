import { chmod, chown, mkdtemp, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeBaseImages } from "./base-images.ts";
import { type Buildah, execute, type ImageConfig } from "./buildah.ts";
import { StartedServer } from "./started-server.ts";

const IMAGE = "localhost/playcount";
const REPOSITORY = join(import.meta.dir, "../..");
const READ_ONLY = join(import.meta.dir, "read-only.sh");

/** The image of the Containerfile, on base images built by the test. */
export class BuiltImage {
  readonly config: ImageConfig;
  readonly #buildah: Buildah;
  readonly #base: string;
  readonly #container: string;

  private constructor(buildah: Buildah, base: string, container: string, config: ImageConfig) {
    this.#buildah = buildah;
    this.#base = base;
    this.#container = container;
    this.config = config;
  }

  static async build(buildah: Buildah): Promise<BuiltImage> {
    const { build, base } = await makeBaseImages(buildah);
    const args = { BUILD_IMAGE: build, BASE_IMAGE: base };
    await buildah.build(IMAGE, join(REPOSITORY, "Containerfile"), REPOSITORY, args);
    const container = await buildah.do("from", "--pull-never", IMAGE);
    return new BuiltImage(buildah, base, container, await buildah.inspect(IMAGE));
  }

  /** Lists the files that the image adds to its base, and empty folders with a slash at the end. */
  async added(): Promise<string[]> {
    const base = await this.#contentsOf(this.#base);
    const added = (await this.#contentsOf(IMAGE)).filter((path) => !base.includes(path));
    return added.filter((path) => !added.some((other) => other !== path && other.startsWith(path)));
  }

  /** Creates a volume as a container engine does, with the owner and mode of the folder in the image. */
  async makeVolume(): Promise<string> {
    const { uid, gid, mode } = await stat(join(await this.#mount(IMAGE), "data"));
    const volume = await mkdtemp(join(this.#buildah.home, "volume-"));
    await chown(volume, uid, gid);
    await chmod(volume, mode & 0o777);
    return volume;
  }

  /** Starts a container. */
  start(port: number): Promise<StartedServer> {
    const command = this.#buildah.runCommand(this.#container, port, this.config.Entrypoint);
    return StartedServer.start(command, `http://127.0.0.1:${port}/health`);
  }

  /**
   * Starts the image's program as process 1 on a read-only root. Only the volume is writable. Default for
   * `user`: that of the image.
   */
  async startReadOnly(port: number, volume: string, user: string = this.config.User): Promise<StartedServer> {
    const command = await this.#readOnly(volume, user, [`PLAYCOUNT_PORT=${port}`], []);
    return StartedServer.start(command, `http://127.0.0.1:${port}/health`);
  }

  /** Runs the image's program with arguments, on a read-only root, to its end. */
  async runReadOnly(volume: string, words: readonly string[]): ReturnType<typeof execute> {
    return await execute(await this.#readOnly(volume, this.config.User, [], words));
  }

  /** Returns the command that runs the image's program as process 1 on a read-only root. */
  async #readOnly(
    volume: string,
    user: string,
    environment: readonly string[],
    words: readonly string[],
  ): Promise<string[]> {
    const { Env, Entrypoint } = this.config;
    const root = await this.#buildah.do("mount", this.#container);
    const enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", READ_ONLY, root, volume];
    const program = ["chroot", `--userspec=${user}`, root, ...Entrypoint, ...words];
    return [...enter, ...Env, ...environment, ...program];
  }

  /** Runs the image's health check. */
  checkHealth(port: number): ReturnType<typeof execute> {
    const [kind, ...program] = this.config.Healthcheck.Test;
    if (kind !== "CMD") throw new Error(`the health check is of kind ${kind}, and CMD is wanted`);
    return execute(this.#buildah.runCommand(this.#container, port, program));
  }

  async #contentsOf(image: string): Promise<string[]> {
    const root = await this.#mount(image);
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries.map((entry) => {
      const path = join(entry.parentPath, entry.name).slice(root.length);
      return entry.isDirectory() ? `${path}/` : path;
    });
  }

  async #mount(image: string): Promise<string> {
    const container = await this.#buildah.do("from", "--pull-never", image);
    return await this.#buildah.do("mount", container);
  }
}
