import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, lacks } from "../support/extent.ts";
import { DEPLOY, readText, runTool } from "./support/files.ts";
import {
  ALERTS,
  DASHBOARD,
  metricsOf,
  metricsOfObject,
  metricsOfServer,
  PANEL_QUERIES,
} from "./support/queries.ts";

/** Labels that Prometheus adds to each series of a server. */
const OF_PROMETHEUS = ["job", "instance"];

describe("The queries of", () => {
  const dashboard = [
    ...PANEL_QUERIES,
    ...DASHBOARD.annotations.list.map(({ target }) => ({ title: "restarts", query: target.expr })),
    ...DASHBOARD.templating.list.map(({ name, query }) => ({
      title: name,
      query: typeof query === "string" ? query : query.query,
    })),
  ];

  test.each([
    ["the dashboard", dashboard],
    ["the alert rules", ALERTS.map(({ alert, expr }) => ({ title: alert, query: expr }))],
  ])("%s name metrics and labels that a server has", async (_, queries) => {
    const text = await metricsOfServer();
    const used = queries.flatMap(({ query }) => metricsOf(query));
    expect(used.length).toBeGreaterThanOrEqual(8);
    for (const { name, labels } of used) {
      const [line] = new RegExp(`^${name}[{ ].*`, "m").exec(text) ?? [];
      expect(line, name).toBeDefined();
      for (const label of labels)
        if (!OF_PROMETHEUS.includes(label)) expect(line, `${name}, ${label}`).toMatch(`${label}="`);
    }
  });
});

test("The page names the alerts that have no data on Cloudflare", async () => {
  const neverMeasured = /^playcount_event_loop_delay_\w+(?:\{.*\})? 0$/gm;
  const text = (await metricsOfObject()).replaceAll(neverMeasured, "");
  const silent = ALERTS.filter(({ expr }) =>
    metricsOf(expr).some(({ name }) => !new RegExp(`^${name}[{ ]`, "m").test(text)),
  );
  const [, list = ""] = /on Cloudflare that one,\s+(.*?)\.\n/s.exec(readText("README.md")) ?? [];
  const named = ["PlaycountMemoryNearlyFull", ...(list.match(/\w{9,}/g) ?? [])];
  expect(silent.map(({ alert }) => alert).sort()).toEqual(named.sort());
});

test("Each panel of the dashboard has a title, a description, a unit and a place of its own", () => {
  const places = new Set<string>();
  for (const panel of DASHBOARD.panels) {
    expect(panel).toMatchObject({
      title: expect.stringMatching(/^[A-Z]/),
      description: expect.stringMatching(/\.$/),
      datasource: { uid: "${datasource}" },
      fieldConfig: { defaults: { unit: expect.any(String) } },
    });
    places.add(JSON.stringify((panel as unknown as { gridPos: unknown }).gridPos));
  }
  expect(places.size).toBe(DASHBOARD.panels.length);
});

describe.skipIf(lacks("promtool"))("Prometheus' promtool", () => {
  const promtool = findProgram("promtool") as string;
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "playcount-rules-"));
    cpSync(join(DEPLOY, "prometheus"), folder, { recursive: true });
    cpSync(join(DEPLOY, "compose/prometheus.yml"), join(folder, "prometheus.yml"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("accepts the configuration of Compose and the alert rules", () => {
    expect(runTool([promtool, "check", "config", "prometheus.yml"], folder).status).toBe(0);
    expect(runTool([promtool, "check", "rules", "rules.yml"], folder).status).toBe(0);
  });

  test("passes the tests of the alert rules, which fail for each rule that never fires", () => {
    const testRules = () => runTool([promtool, "test", "rules", "rules.test.yml"], folder);
    expect(testRules()).toMatchObject({ status: 0 });
    writeFileSync(
      join(folder, "rules.yml"),
      readText("prometheus/rules.yml").replace(/expr: .*/g, "expr: vector(0) > 1"),
    );
    const { status, text } = testRules();
    expect(status).toBe(1);
    for (const { alert } of ALERTS) expect(text).toContain(`alertname: ${alert}`);
  });
});
