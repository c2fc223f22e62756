import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { killAll, type Listening } from "../support/process.ts";
import { Random } from "../support/random.ts";
import { Connection } from "../support/connection.ts";
import { ask, request } from "./asking.ts";
import { PROGRAMS } from "./balancer.ts";
import { balance } from "./configuration.ts";
import { stopAll } from "./meeting.ts";
import { startPlaycount } from "./playcounts.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);
afterAll(killAll);

/** A server that stops closes its connections one by one, each after an answer. */
const DRAINS = ["--drain-seconds", "1"];
const RESTARTS = 8;
/** Clients that send each kind of request. */
const CLIENTS = 4;

const KINDS: Readonly<Record<string, (client: number, turn: number) => string>> = {
  reads: () => request("GET /song/1"),
  "plays with a key": (client, turn) =>
    request("POST /song/1", [`Idempotency-Key: "client-${client}:${turn}"`], "1"),
  "plays without a key": () => request("POST /song/1", [], "1"),
};

/** Sends requests one after the other until `isOver`, and adds their statuses to `statuses`. */
async function sendAll(
  url: string,
  make: (turn: number) => string,
  statuses: (number | undefined)[],
  isOver: () => boolean,
): Promise<void> {
  let connection = await Connection.to(url);
  for (let turn = 1; !isOver(); turn++) {
    const { status, head = "" } = (await ask(connection, make(turn))) ?? {};
    statuses.push(status);
    if (status === 200 && !/\r\nconnection: close\r\n/i.test(`${head}\r\n`)) continue;
    connection.destroy();
    connection = await Connection.to(url);
  }
  connection.destroy();
}

describe.each(PROGRAMS)("%s, in front of servers that are restarted in turn,", (program) => {
  test("fails no read and no play with a key, and at most one in 1,000 other plays", async () => {
    const pauses = new Random("pauses between restarts");
    const servers = [await startPlaycount("0", ...DRAINS), await startPlaycount("0", ...DRAINS)];
    const urls = servers.map((server) => server.url);
    const { url } = await balance(program, "shared", urls);
    const statuses = new Map(Object.keys(KINDS).map((kind) => [kind, [] as (number | undefined)[]]));
    let isOver = false;
    const clients = Object.entries(KINDS).flatMap(([kind, make]) =>
      Array.from({ length: CLIENTS }, (_, client) =>
        sendAll(
          url,
          (turn) => make(client, turn),
          statuses.get(kind) ?? [],
          () => isOver,
        ),
      ),
    );
    for (let at = 0; at < RESTARTS; at++) {
      const old = servers[at % 2] as Listening;
      old.process.kill("SIGTERM");
      expect(await old.ended).toMatchObject({ status: 0 });
      servers[at % 2] = await startPlaycount(new URL(old.url).port, ...DRAINS);
      await Bun.sleep(1000 + 3500 * pauses.next());
    }
    isOver = true;
    await Promise.all(clients);
    const failed = (kind: string) => (statuses.get(kind) ?? []).filter((status) => status !== 200);
    expect(failed("reads")).toEqual([]);
    expect(failed("plays with a key")).toEqual([]);
    const other = statuses.get("plays without a key") ?? [];
    expect(other.length).toBeGreaterThan(1000);
    expect(failed("plays without a key").length).toBeLessThanOrEqual(other.length / 1000);
  });
});
