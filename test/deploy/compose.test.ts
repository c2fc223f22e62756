import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readCommandLine } from "../../src/cli/command-line.ts";
import { noteIgnoredVariables } from "../../src/cli/command-line.ts";
import { blocksOf } from "../docs/support/pages.ts";
import { query } from "../fold/support/databases.ts";
import { until } from "../store/redis/support/until.ts";
import { findProgram, lacks } from "../support/extent.ts";
import {
  COMPOSE,
  ComposeByHand,
  environmentOf,
  environmentOfImage,
  needsOf,
  startOrder,
} from "./support/compose.ts";
import { DEPLOY, readText, readYaml, runTool } from "./support/files.ts";
import { ALERTS, PANEL_QUERIES } from "./support/queries.ts";

setDefaultTimeout(300_000);

const SERVICES = Object.entries(COMPOSE.services);

/** The lines of the page for Compose. */
const LINES = (
  blocksOf("docs/deploy/README.md").find(({ text }) => text.startsWith("docker compose"))?.text ?? ""
).split("\n");

/** Returns the line of the page that has `part`. */
function lineWith(part: string): string {
  const line = LINES.find((each) => each.includes(part));
  if (line === undefined) throw new Error(`docs/deploy/README.md has no line with ${part}`);
  return line;
}

describe("compose.yaml", () => {
  test("starts the server and the database before what needs them", () => {
    expect(startOrder()).toEqual(["playcount", "database", "fold", "prometheus", "grafana"]);
  });

  test.each(SERVICES.filter(([, { image }]) => image === "playcount"))(
    "gives %s a command and variables that playcount knows",
    (name, { command = [] }) => {
      const environment = { ...environmentOfImage(), ...environmentOf(name) };
      expect(noteIgnoredVariables(environment)).toEqual([]);
      const { do: does } = readCommandLine(command, environment);
      expect(does).toBe(name === "fold" ? "fold" : "serve");
    },
  );

  test("builds the image once, and never pulls it", () => {
    const services = SERVICES.filter(([, { image }]) => image === "playcount");
    const [builders, others] = [true, false].map((builds) =>
      services.filter(([, { build }]) => (build !== undefined) === builds),
    );
    expect(builders?.map(([name]) => name)).toEqual(["playcount"]);
    for (const [name, { pull_policy }] of others ?? [])
      expect([name, pull_policy, needsOf(name)]).toEqual([
        "fold",
        "never",
        expect.arrayContaining(["playcount"]),
      ]);
  });

  test("takes another database by the steps of the page", () => {
    expect(SERVICES.filter(([name]) => needsOf(name).includes("database")).map(([name]) => name)).toEqual([
      "fold",
    ]);
    expect(readText("README.md")).toContain(
      "remove the service `database`, and `database` from the `depends_on` of `fold`",
    );
    const { PLAYCOUNT_INTO, PLAYCOUNT_INTO_PASSWORD } = COMPOSE.services["fold"]?.environment ?? {};
    expect(PLAYCOUNT_INTO).toStartWith("${PLAYCOUNT_INTO:-");
    expect(PLAYCOUNT_INTO_PASSWORD).toStartWith("${DATABASE_PASSWORD:-");
  });

  test.each(SERVICES)("mounts into %s files that exist", (_, { volumes = [] }) => {
    const files = volumes.map((volume) => volume.split(":")[0] ?? "").filter((path) => path.startsWith("."));
    expect(files.filter((path) => !existsSync(join(DEPLOY, "compose", path)))).toEqual([]);
  });

  test("publishes ports on loopback only, and keeps containers of playcount without rights", () => {
    for (const [name, service] of SERVICES) {
      const { ports = [], ...keys } = service as { ports?: string[] };
      expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
      if (service.image === "playcount")
        expect(keys, name).toMatchObject({
          read_only: true,
          cap_drop: ["ALL"],
          security_opt: ["no-new-privileges:true"],
          restart: "unless-stopped",
        });
    }
  });

  test("provisions Grafana with Prometheus and with the folder of the dashboard", () => {
    interface DataSources {
      datasources: { uid: string; type: string; url: string }[];
    }
    interface Providers {
      providers: { options: { path: string } }[];
    }
    const [source] = readYaml<DataSources>("grafana/datasource.yml").datasources;
    const [provider] = readYaml<Providers>("grafana/provider.yml").providers;
    expect(source).toMatchObject({ type: "prometheus", url: "http://prometheus:9090" });
    expect(Object.keys(COMPOSE.services)).toContain("prometheus");
    const dashboard = `${provider?.options.path}/playcount.json`;
    const { volumes = [] } = COMPOSE.services["grafana"] ?? {};
    expect(volumes).toContain(`../grafana/playcount.json:${dashboard}:ro`);
    expect(environmentOf("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).toBe(dashboard);
  });

  const loader = findProgram("compose-spec");
  test.skipIf(loader === undefined)("is loaded by the library of docker compose", () => {
    expect(runTool([loader ?? "", "compose/compose.yaml"])).toMatchObject({ status: 0 });
  });
});

describe.skipIf(lacks("postgres", "prometheus", "bash", "curl"))(
  "The services of compose.yaml by hand",
  () => {
    let compose: ComposeByHand;

    beforeAll(async () => {
      compose = new ComposeByHand();
      for (const name of startOrder()) if (name !== "grafana") await compose.start(name);
    });
    afterAll(() => compose[Symbol.asyncDispose]());

    /** Runs a line of the page with the addresses of this machine, and returns its output. */
    function runLine(line: string): string {
      const { hostname, port, username, password, pathname } = new URL(compose.databaseUrl);
      const psql = `PGPASSWORD=${password} psql --host=${hostname} --port=${port}`;
      const command = line
        .replace(/docker compose \S+ \S+ exec database psql/, psql)
        .replace("localhost:8000", compose.url("playcount:8000").slice("http://".length));
      expect([username, pathname]).toEqual(["app", "/music"]);
      const { status, output, text } = runTool(["bash", "-c", command]);
      if (status !== 0) throw new Error(`${command} ended with ${status}: ${text}`);
      return output;
    }

    async function playsOf(id: string): Promise<number> {
      const [row] = await query(compose.databaseUrl, "SELECT plays FROM song WHERE id = $1", [id]);
      return Number((row as { plays: unknown } | undefined)?.plays ?? 0);
    }

    /** Returns the number of series that Prometheus answers a query with. */
    async function seriesOf(expression: string): Promise<number> {
      const body = new URLSearchParams({ query: expression });
      const answer = await fetch(compose.url("prometheus:9090/api/v1/query"), { method: "POST", body });
      const { status, data, error } = (await answer.json()) as {
        status: string;
        data?: { result: unknown[] };
        error?: string;
      };
      if (status !== "success") throw new Error(`${expression}: ${error}`);
      return data?.result.length ?? 0;
    }

    test("bring the plays of the page's first lines into the database, and show them as the page says", async () => {
      expect(runLine(lineWith("curl"))).toBe("13");
      await until("13 plays in the database", async () => (await playsOf("1")) === 13);
      expect(runLine(lineWith("psql"))).toMatch(/^ 1 +\| +13$/m);
    });

    test("bring each play into the database once, while clients play on", async () => {
      const before = await playsOf("2");
      const play = async (id: string) =>
        (await fetch(compose.url(`playcount:8000/song/${id}`), { method: "POST" })).arrayBuffer();
      for (let turn = 0; turn < 30; turn++) {
        await Promise.all(Array.from({ length: 20 }, (_, at) => play(at % 2 === 0 ? "2" : "no row yet")));
        await Bun.sleep(50);
      }
      await until("all plays in the database", async () => (await playsOf("no row yet")) === 300);
      await until("all plays in the database", async () => (await playsOf("2")) === before + 300);
      const remaining = async () => (await fetch(compose.url("playcount:8000/"))).text();
      await until("the acknowledgement", async () => (await remaining()) === "");
    });

    test("answer each query of the dashboard", async () => {
      for (const { title, query: expression } of PANEL_QUERIES)
        await until(`series for ${title}`, async () => (await seriesOf(expression)) > 0);
    });

    test("evaluate each alert rule, and none fires", async () => {
      interface Rule {
        name: string;
        health: string;
        state: string;
      }
      const rules = await until("evaluated rules", async () => {
        const answer = await fetch(compose.url("prometheus:9090/api/v1/rules"));
        const { data } = (await answer.json()) as { data: { groups: { rules: Rule[] }[] } };
        const all = data.groups.flatMap((group) => group.rules);
        return all.length > 0 && all.every(({ health }) => health !== "unknown") && all;
      });
      expect(rules.map(({ name, health }) => `${name}: ${health}`)).toEqual(
        ALERTS.map(({ alert }) => `${alert}: ok`),
      );
      expect(rules.filter(({ state }) => state === "firing")).toEqual([]);
    });
  },
);
