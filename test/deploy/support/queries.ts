import { type Handler, PlayCounter } from "../../../src/adapters/durable-object.ts";
import { createHandler, ShardedStore } from "../../../src/mod.ts";
import { sqliteStorage } from "../../store/object/sqlite-storage.ts";
import { readText, readYaml } from "./files.ts";

interface Panel {
  title: string;
  targets: { expr: string }[];
}

interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; query: string | { query: string } }[] };
  annotations: { list: { target: { expr: string } }[] };
}

interface Rules {
  groups: { rules: { alert: string; expr: string }[] }[];
}

export const DASHBOARD: Dashboard = JSON.parse(readText("grafana/playcount.json"));

/** The queries of the panels, as Grafana sends them for all servers and steps of some seconds. */
export const PANEL_QUERIES: readonly { title: string; query: string }[] = DASHBOARD.panels.flatMap(
  ({ title, targets }) => targets.map(({ expr }) => ({ title, query: withoutVariables(expr) })),
);

/** The alert rules: their names and queries. */
export const ALERTS: readonly { alert: string; expr: string }[] = readYaml<Rules>(
  "prometheus/rules.yml",
).groups.flatMap(({ rules }) => rules);

/** Replaces the variables of Grafana. */
function withoutVariables(query: string): string {
  return query.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "10s");
}

/** Lists the metrics of a query, each with the labels that the query names in braces or groups by. */
export function metricsOf(query: string): { name: string; labels: string[] }[] {
  const grouped = Array.from(query.matchAll(/\bby \(([^)]*)\)/g), ([, list = ""]) =>
    list.split(/,\s*/),
  ).flat();
  return Array.from(
    query.matchAll(/\b((?:playcount|process)_\w+)(?:\{([^}]*)\})?/g),
    ([, name = "", matchers = ""]) => ({
      name,
      labels: [...Array.from(matchers.matchAll(/(\w+)=/g), ([, label = ""]) => label), ...grouped],
    }),
  );
}

/** Returns the metrics of a server that has all of them. */
export function metricsOfServer(): Promise<string> {
  return metricsAfterFolds(createHandler(new ShardedStore()));
}

/** Returns the metrics of a Durable Object. */
export function metricsOfObject(): Promise<string> {
  const object = new PlayCounter({ id: { name: "0" }, storage: sqliteStorage() }, {});
  return metricsAfterFolds((request) => object.fetch(request));
}

async function metricsAfterFolds(handle: Handler): Promise<string> {
  const ask = async (path: string, method = "GET") =>
    (await handle(new Request(`http://localhost${path}`, { method }))).text();
  await ask("/song/1", "POST");
  for (const fold of [1, 2]) await ask(`/folds/${fold}`, "PUT");
  await ask("/folds/1", "DELETE");
  return await ask("/metrics");
}
