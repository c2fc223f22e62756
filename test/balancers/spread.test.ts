import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { Connection } from "../support/connection.ts";
import { killAll, type Listening } from "../support/process.ts";
import { ask, askOnce, request } from "./asking.ts";
import { PROGRAMS } from "./balancer.ts";
import { balance, HOST } from "./configuration.ts";
import { stopAll } from "./meeting.ts";
import { countsOf, startPlaycount } from "./playcounts.ts";
import { StandIns } from "./stand-ins.ts";

setDefaultTimeout(300_000);

/** Ids whose paths have several spellings. */
const SONGS = Array.from({ length: 250 }, (_, at) => [`${at}`, `a/${at}`, `é ${at}`, `+a//%2f${at}/`]).flat();

/** Spellings of a song's path. */
const WRITINGS: readonly ((id: string) => string)[] = [
  (id) => encodeURIComponent(id),
  (id) => encodeURIComponent(id).replaceAll("%2F", "/").replaceAll("%2B", "+"),
  (id) =>
    Array.from(new TextEncoder().encode(id), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  (id) => `${encodeURIComponent(id)}?`,
];

/** Requests many songs in sequence over a few connections, and returns the statuses. */
async function askFor(url: string, method: string, paths: readonly string[]): Promise<number[]> {
  const statuses: number[] = [];
  const left = paths.entries();
  const some = Array.from({ length: 8 }, async () => {
    const connection = await Connection.to(url);
    for (const [at, path] of left)
      statuses[at] = (await ask(connection, request(`${method} /song/${path}`)))?.status ?? 0;
    connection.destroy();
  });
  await Promise.all(some);
  return statuses;
}

describe.each(PROGRAMS)("%s, with songs that are spread over servers,", (program) => {
  let servers: Listening[] = [];
  let url: string;

  beforeAll(async () => {
    servers = await Promise.all(Array.from({ length: 3 }, () => startPlaycount()));
    ({ url } = await balance(
      program,
      "spread",
      servers.map((server) => server.url),
    ));
  });

  afterAll(async () => {
    await stopAll();
    await killAll();
  });

  const all = () => Promise.all(servers.map((server) => countsOf(server.url)));

  test("has each song counted by one of them, however its path is written", async () => {
    const paths = WRITINGS.flatMap((write) => SONGS.map(write));
    expect((await askFor(url, "POST", paths)).filter((status) => status !== 200)).toEqual([]);
    const counts = await all();
    for (const some of counts) expect(some.size).toBeGreaterThan(SONGS.length / 6);
    expect(counts.reduce((sum, { size }) => sum + size, 0)).toBe(SONGS.length);
    const merged = new Map(counts.flatMap((some) => [...some]));
    expect(merged).toEqual(new Map(SONGS.map((id) => [id, WRITINGS.length])));
    for (const id of ["a/7", ...SONGS.slice(0, 20)])
      for (const query of ["", "?after=0"])
        expect((await askOnce(url, request(`GET /song/${encodeURIComponent(id)}${query}`)))?.body).toBe("4");
  });

  test.each([
    "GET /",
    "GET /?top=3",
    "GET /?id=1",
    "HEAD /",
    "OPTIONS /",
    "DELETE /",
    "POST /batch",
    "GET /folds",
    "PUT /folds/1",
    "DELETE /folds/1",
    "GET /health",
    "GET /metrics",
    "POST /song/",
    "POST //song/1",
  ])("refuses %s, and leaves the counts as they are", async (line) => {
    const before = await all();
    const answer = await askOnce(url, request(line, line.startsWith("POST") ? ["Content-Length: 0"] : []));
    // An empty id is invalid in playcount as well.
    expect(answer?.status).toBe(line === "POST /song/" ? 404 : 403);
    if (line.startsWith("GET")) expect(answer?.body).toContain("ask each server");
    expect(await all()).toEqual(before);
  });

  test.each([
    "..",
    "../",
    "%2e%2E",
    "a/../..",
    "x%2f..%2F..%2fhealth",
    "..\\",
    "a\\b",
    "a/./b",
    "a%2F.",
    "a#b",
  ])("refuses /song/%s, which could be read in two ways", async (path) => {
    const before = await all();
    for (const method of ["POST", "DELETE"])
      expect((await askOnce(url, request(`${method} /song/${path}`, ["Content-Length: 0"])))?.status).toBe(
        400,
      );
    expect(await all()).toEqual(before);
  });

  test("says what playcount's interface is", async () => {
    expect((await askOnce(url, request("GET /openapi.json")))?.body).toContain('"openapi"');
  });

  test("has a CountClient send the plays of one turn one by one", async () => {
    const send = (to: string, { headers, ...init }: RequestInit) =>
      fetch(to, { ...init, headers: { ...(headers as Record<string, string>), host: HOST } });
    const client = new CountClient([url], { fetch: send });
    const ids = Array.from({ length: 20 }, (_, at) => `new/${at}`);
    expect(await Promise.all(ids.map((id) => client.incrementPlayCount(id)))).toEqual(ids.map(() => 1));
    expect((await all()).flatMap((some) => [...some.keys()].filter((id) => ids.includes(id))).sort()).toEqual(
      ids.sort(),
    );
  });

  test("fails for the songs of a server that is down alone, until it is back", async () => {
    const [, down, other] = (await all()).map((some) =>
      [...some.keys()].slice(0, 40).map(encodeURIComponent),
    );
    const [, server] = servers as [Listening, Listening];
    server.process.kill("SIGKILL");
    await server.ended;
    // HAProxy may still have had a connection to it.
    const refused = program === "nginx" ? [502] : [502, 503];
    for (const method of ["GET", "POST"]) {
      const statuses = await askFor(url, method, down ?? []);
      expect(statuses).toHaveLength(40);
      for (const status of statuses) expect(refused).toContain(status as number);
      expect(await askFor(url, method, other ?? [])).toEqual(Array(40).fill(200));
    }
    servers[1] = await startPlaycount(new URL(server.url).port);
    expect(await askFor(url, "POST", down ?? [])).toEqual(Array(40).fill(200));
    const counts = await countsOf(servers[1].url);
    expect([...counts.keys()].map(encodeURIComponent).sort()).toEqual(down?.sort() ?? []);
  });
});

/** A line for a fourth server, as an operator would add it. */
const FOURTH = {
  nginx: ["10.0.0.3:8000 max_fails=0;", "10.0.0.3:8000 max_fails=0;\n    server 10.0.0.4:8000 max_fails=0;"],
  haproxy: ["10.0.0.3:8000 id 3", "10.0.0.3:8000 id 3\n    server four 10.0.0.4:8000 id 4"],
} as const;

test.each(PROGRAMS)(
  "%s moves a part of the songs to a server that is added, and no others",
  async (program) => {
    const standIns = await StandIns.start(4);
    const paths = SONGS.map(encodeURIComponent);
    const placesWith = async (count: number) => {
      const edits = count === 4 ? [FOURTH[program]] : [];
      const { url } = await balance(program, "spread", standIns.urls.slice(0, count), edits);
      standIns.expect();
      await askFor(url, "GET", paths);
      return new Map(standIns.seen.map(({ line, server }) => [line, server]));
    };
    const before = await placesWith(3);
    const after = await placesWith(4);
    const moved = [...after].filter(([line, server]) => before.get(line) !== server);
    expect(after.size).toBe(SONGS.length);
    expect(new Set(moved.map(([, server]) => server))).toEqual(new Set([3]));
    expect(moved.length).toBeGreaterThan(SONGS.length * 0.1);
    expect(moved.length).toBeLessThan(SONGS.length * 0.4);
    await stopAll();
    standIns.stop();
  },
);
