import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUNTIMES, run } from "../../support/process.ts";
import { type OpenDurableStore, openDurable } from "../../../src/store/durable/entry.ts";

setDefaultTimeout(300_000);

const folders: string[] = [];
const open: OpenDurableStore[] = [];

afterEach(async () => {
  for (const store of open.splice(0)) await store.close(10);
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "playcount-entry-"));
  folders.push(folder);
  return folder;
}

async function openStore(data: string): Promise<OpenDurableStore> {
  const store = await openDurable({ data });
  open.push(store);
  return store;
}

test("a store that is opened again has its counts and its folds", async () => {
  const folder = join(await makeFolder(), "made");
  const first = await openStore(folder);
  await first.add("a", 2);
  await first.seal(1);
  expect(await first.close(10)).toBe(true);
  const second = await openStore(folder);
  expect(await second.get("a")).toBe(2);
  expect(await second.folds()).toMatchObject([{ fold: 1 }]);
  expect(await second.add("a", 1)).toEqual({ count: 3, fold: 1 });
});

test.each(Object.entries(RUNTIMES))(
  "a store keeps its process alive until it is closed, on %s",
  async (_, runtime) => {
    const program = join(import.meta.dir, "open-and-close.ts");
    const ended = await run([...runtime, program, join(await makeFolder(), "made")]);
    expect(ended).toEqual({ status: 0, stdout: "1\ntrue\n", stderr: "" });
  },
);

test("a directory that is open cannot be opened again, and goes on counting", async () => {
  const folder = await makeFolder();
  const store = await openStore(folder);
  await expect(openDurable({ data: folder })).rejects.toThrow("another process uses it");
  expect(await store.add("a", 1)).toEqual({ count: 1, fold: 0 });
});

test("a directory that cannot be one is refused with its name", async () => {
  const file = join(await makeFolder(), "file");
  await writeFile(file, "");
  await expect(openDurable({ data: join(file, "below") })).rejects.toThrow(join(file, "below"));
});

test.each([
  [{ data: "" }, "data must be the path of a directory, and is empty"],
  [{ data: undefined as unknown as string }, "data must be the path of a directory, and is empty"],
  [{ data: "x", maxFolds: 65 }, "maxFolds must be a whole number from 1 to 64, not 65"],
  [{ data: "x", maxWaiting: 0 }, "maxWaiting must be"],
])("options out of their range are refused before anything is made: %j", async (options, message) => {
  const call = openDurable(options);
  await expect(call).rejects.toThrow(RangeError);
  await expect(call).rejects.toThrow(message);
});
