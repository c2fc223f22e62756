import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { PostgresServer, query } from "../../fold/support/databases.ts";
import { freePort } from "../../support/ports.ts";
import { until } from "../../store/redis/support/until.ts";
import { findProgram } from "../../support/extent.ts";
import { DEPLOY, readText, readYaml } from "./files.ts";

const MAIN = join(import.meta.dir, "../../../src/main.ts");

/** A service of `compose.yaml`, by the keys that matter without containers. */
export interface Service {
  image: string;
  build?: object;
  pull_policy?: string;
  command?: readonly string[];
  environment?: Readonly<Record<string, string | number>>;
  volumes?: readonly string[];
  depends_on?: Readonly<Record<string, { condition: string }>> | readonly string[];
}

export const COMPOSE: { services: Readonly<Record<string, Service>> } = readYaml("compose/compose.yaml");

/** Returns the names of the services in the order in which Compose starts them. */
export function startOrder(): string[] {
  const order: string[] = [];
  const add = (name: string) => {
    for (const other of needsOf(name)) add(other);
    if (!order.includes(name)) order.push(name);
  };
  for (const name of Object.keys(COMPOSE.services)) add(name);
  return order;
}

/** Lists the services that a service waits for. */
export function needsOf(name: string): readonly string[] {
  const { depends_on = [] } = serviceOf(name);
  return Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
}

/** Returns a service's environment, with the defaults of `${NAME:-default}`. */
export function environmentOf(name: string): Record<string, string> {
  const { environment = {} } = serviceOf(name);
  const entries = Object.entries(environment).map(([key, value]) => [
    key,
    String(value).replace(/\$\{\w+:-(.*?)\}/g, "$1"),
  ]);
  return Object.fromEntries(entries);
}

/** Returns the variables that the image sets. */
export function environmentOfImage(): Record<string, string> {
  const lines = readFileSync(join(DEPLOY, "../../Containerfile"), "utf8").matchAll(/^ENV (\w+)=(.*)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name = "", value = ""]) => [name, value]));
}

function serviceOf(name: string): Service {
  const service = COMPOSE.services[name];
  if (service === undefined) throw new Error(`compose.yaml has no service ${name}`);
  return service;
}

/** PostgreSQL as its image starts it: with a password, a database, and the files of the init folder. */
class ComposeDatabase extends PostgresServer {
  readonly #environment = environmentOf("database");

  override get initCommand(): readonly string[] {
    writeFileSync(join(this.folder, "password"), this.#environment["POSTGRES_PASSWORD"] ?? "");
    const auth = ["--auth=scram-sha-256", `--pwfile=${this.folder}/password`];
    return [...super.initCommand.filter((word) => !word.startsWith("--auth")), ...auth];
  }

  override urlOf(name: string): string {
    const { POSTGRES_USER, POSTGRES_PASSWORD } = this.#environment;
    return `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${this.port}/${name}`;
  }

  /** Makes the database, and runs the files that Compose puts into the folder of the image. */
  async fill(): Promise<string> {
    const { POSTGRES_DB = "" } = this.#environment;
    await query(this.adminUrl, this.creationOf(POSTGRES_DB));
    for (const volume of serviceOf("database").volumes ?? []) {
      const [source = "", target = ""] = volume.split(":");
      if (!target.startsWith("/docker-entrypoint-initdb.d/")) continue;
      await query(this.urlOf(POSTGRES_DB), readText(join("compose", source)));
    }
    return this.urlOf(POSTGRES_DB);
  }
}

/**
 * The services of `compose.yaml`, started in their order by programs of this machine. Addresses, folders and
 * intervals differ from the file. Grafana is left out, as no package has it.
 */
export class ComposeByHand implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "playcount-compose-"));
  readonly #database = new ComposeDatabase("postgres");
  readonly #ports = new Map<string, number>();
  readonly #running: Bun.Subprocess[] = [];
  /** The URL of the database. */
  databaseUrl = "";

  /** Starts a service, and waits until it is healthy. */
  async start(name: string): Promise<void> {
    if (name === "database") {
      await this.#database.start();
      this.#ports.set("database:5432", this.#database.port);
      this.databaseUrl = await this.#database.fill();
    } else if (name === "prometheus") await this.#startPrometheus();
    else await this.#startPlaycount(name);
  }

  /** Returns a URL of this machine in the place of one of `compose.yaml`. */
  url(address: string): string {
    return `http://${this.#here(address)}`;
  }

  /** Replaces the addresses of services in a text. */
  #here(text: string): string {
    for (const [address, port] of this.#ports) text = text.replaceAll(address, `127.0.0.1:${port}`);
    return text.replaceAll("@database/", `@127.0.0.1:${this.#database.port}/`);
  }

  async #startPlaycount(name: string): Promise<void> {
    const { command = [] } = serviceOf(name);
    const isServer = command.length === 0;
    const port = await freePort();
    if (isServer) this.#ports.set(`${name}:8000`, port);
    const environment = {
      ...(isServer ? environmentOfImage() : {}),
      ...environmentOf(name),
      ...(isServer && {
        PLAYCOUNT_HOST: "127.0.0.1",
        PLAYCOUNT_PORT: String(port),
        PLAYCOUNT_DATA: join(this.#folder, "plays"),
      }),
    };
    if (isServer) mkdirSync(join(this.#folder, "plays"));
    const words = command.map((word) => (word === "60s" ? "1s" : this.#here(word)));
    this.#spawn(
      [process.execPath, MAIN, ...words],
      Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, this.#here(value)])),
    );
    if (isServer)
      await until(`${name} on port ${port}`, async () => (await fetch(this.url(`${name}:8000/health`))).ok);
  }

  async #startPrometheus(): Promise<void> {
    const port = await freePort();
    this.#ports.set("prometheus:9090", port);
    for (const volume of serviceOf("prometheus").volumes ?? []) {
      const [source = "", target = ""] = volume.split(":");
      if (!source.startsWith(".")) continue;
      const copy = join(this.#folder, basename(target));
      cpSync(join(DEPLOY, "compose", source), copy);
      writeFileSync(
        copy,
        this.#here(readFileSync(copy, "utf8")).replaceAll(/_interval: 15s/g, "_interval: 1s"),
      );
    }
    const options = [
      `--config.file=${join(this.#folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(this.#folder, "metrics")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ];
    this.#spawn([findProgram("prometheus") ?? "prometheus", ...options], {});
    await until("Prometheus", async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok);
  }

  #spawn(command: readonly string[], environment: Record<string, string>): void {
    this.#running.push(
      Bun.spawn([...command], {
        cwd: this.#folder,
        env: { PATH: process.env["PATH"] ?? "", ...environment },
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running.toReversed()) {
      child.kill("SIGTERM");
      await child.exited;
    }
    await this.#database.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
