import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { lacks } from "../support/extent.ts";
import { freePort } from "../support/ports.ts";
import { Buildah } from "./buildah.ts";
import { BuiltImage } from "./built-image.ts";
import type { StartedServer } from "./started-server.ts";

const TIMEOUT = 300_000;

describe.skipIf(lacks("buildah", "root"))("The container", () => {
  let buildah: Buildah | undefined;
  let image: BuiltImage;

  beforeAll(async () => {
    buildah = await Buildah.create();
    image = await BuiltImage.build(buildah);
  }, TIMEOUT);

  afterAll(() => buildah?.[Symbol.asyncDispose](), TIMEOUT);

  test("names a user that is not root by number, and a health check that needs no shell", () => {
    expect(image.config).toMatchObject({
      User: "65532:65532",
      Entrypoint: ["/usr/local/bin/playcount"],
      ExposedPorts: { "8000/tcp": {} },
      Healthcheck: { Test: ["CMD", "/usr/local/bin/playcount", "--health-check"] },
      StopSignal: "SIGTERM",
      Volumes: { "/data": {} },
    });
    expect(image.config.Env).toEqual(
      expect.arrayContaining(["PLAYCOUNT_HOST=0.0.0.0", "PLAYCOUNT_DATA=/data"]),
    );
  });

  test(
    "adds one file to its base, and an empty folder",
    async () => {
      expect((await image.added()).sort()).toEqual(["/data/", "/usr/local/bin/playcount"]);
    },
    TIMEOUT,
  );

  test(
    "counts as the original did, is not root, and ends with status 0 when told to stop",
    async () => {
      const port = await freePort();
      await using server = await image.start(port);
      await playSession(`http://127.0.0.1:${port}`);
      expectNotRoot(server);
      expect(await server.stop()).toBe(0);
    },
    TIMEOUT,
  );

  test(
    "is healthy while it listens, and unhealthy when it does not",
    async () => {
      const port = await freePort();
      await using server = await image.start(port);
      expect(await image.checkHealth(port)).toMatchObject({ status: 0 });
      await server.stop();
      const { status, complaints } = await image.checkHealth(port);
      expect(status).toBe(1);
      expect(complaints).toContain(`playcount: unhealthy: http://127.0.0.1:${port}/health: `);
    },
    TIMEOUT,
  );

  test(
    "does the same as the first process on a read-only root",
    async () => {
      const port = await freePort();
      await using server = await image.startReadOnly(port, await image.makeVolume());
      await playSession(`http://127.0.0.1:${port}`);
      expectNotRoot(server);
      expect(server.status("NSpid").at(-1)).toBe("1");
      expect(server.rootOptions()).toContain("ro");
      expect(await server.stop()).toBe(0);
    },
    TIMEOUT,
  );

  test(
    "hands its counts over to a database, from a container with a read-only root",
    async () => {
      const [port, volume] = [await freePort(), await image.makeVolume()];
      const file = join(volume, "music.db");
      const database = new DatabaseSync(file);
      database.exec("CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)");
      await chmod(file, 0o666);
      await using _server = await image.startReadOnly(port, await image.makeVolume());
      const url = `http://127.0.0.1:${port}`;
      await fetch(`${url}/song/1`, { method: "POST", body: "13" });
      const words = ["fold", "--from", url, "--into", "sqlite:/data/music.db", "--unknown", "insert"];
      const { status, output, complaints } = await image.runReadOnly(volume, words);
      expect([status, complaints]).toEqual([0, ""]);
      expect(output).toStartWith("handed over 13 plays of 1 song");
      expect({ ...database.prepare("SELECT * FROM song").get() }).toEqual({ id: "1", plays: 13 });
    },
    TIMEOUT,
  );

  test(
    "keeps its counts under any user of group 0",
    async () => {
      const port = await freePort();
      await using server = await image.startReadOnly(port, await image.makeVolume(), "1000650000:0");
      await playSession(`http://127.0.0.1:${port}`);
      expect(server.status("Uid")[0]).toBe("1000650000");
      expect(await server.stop()).toBe(0);
    },
    TIMEOUT,
  );

  test(
    "keeps its counts in its volume, for a container that comes after one that was killed",
    async () => {
      const [port, volume] = [await freePort(), await image.makeVolume()];
      for (const plays of ["1", "2", "3"]) {
        await using server = await image.startReadOnly(port, volume);
        const answer = await fetch(`http://127.0.0.1:${port}/song/1`, { method: "POST" });
        expect(await answer.text()).toBe(plays);
        process.kill(server.pid, "SIGKILL");
      }
    },
    TIMEOUT,
  );
});

/** Plays the session of the original utility's description. */
async function playSession(url: string): Promise<void> {
  async function answer(method: string, path: string): Promise<string> {
    return (await fetch(url + path, { method })).text();
  }
  expect(await answer("GET", "/song/1")).toBe("0");
  expect(await answer("POST", "/song/1")).toBe("1");
  expect(await answer("GET", "/song/1")).toBe("1");
  expect(await answer("POST", "/song/5")).toBe("1");
  expect(await answer("POST", "/song/1")).toBe("2");
  expect((await answer("GET", "/")).split(",").sort()).toEqual(["1=2", "5=1"]);
  expect(await answer("DELETE", "/")).toBe("OK");
  expect(await answer("GET", "/")).toBe("");
}

/** Expects that the real, effective, saved and file system ids are those of the image. */
function expectNotRoot(server: StartedServer): void {
  expect(server.status("Uid")).toEqual(Array(4).fill("65532"));
  expect(server.status("Gid")).toEqual(Array(4).fill("65532"));
  expect(server.status("CapEff")).toEqual(["0000000000000000"]);
}
