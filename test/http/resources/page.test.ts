import { expect, test } from "bun:test";
import { createHandler, type HandlerOptions, ShardedStore } from "../../../src/mod.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async function ask(path: string, accept: string, options: HandlerOptions): Promise<[number, string | null]> {
  const handle = createHandler(new ShardedStore(), options);
  const answer = await handle(new Request(`http://localhost${path}`, { headers: { accept } }));
  await answer.text();
  return [answer.status, answer.headers.get("content-type")];
}

test("without the page, a browser gets the list", async () => {
  expect(await ask("/", BROWSER, { page: true })).toEqual([200, "text/html;charset=utf-8"]);
  expect(await ask("/", BROWSER, { page: false })).toEqual([200, "text/plain;charset=utf-8"]);
  expect(await ask("/", BROWSER, { page: false, defaultFormat: "json" })).toEqual([200, "application/json"]);
  expect(await ask("/", "text/html", { page: false })).toEqual([406, "text/plain;charset=utf-8"]);
});

test("page and module are below the base path", async () => {
  expect(await ask("/plays/", BROWSER, { basePath: "/plays" })).toEqual([200, "text/html;charset=utf-8"]);
  expect(await ask("/plays/play-count.js", "*/*", { basePath: "/plays" })).toEqual([
    200,
    "text/javascript;charset=utf-8",
  ]);
  expect(await ask("/play-count.js", "*/*", { basePath: "/plays" })).toEqual([
    404,
    "text/plain;charset=utf-8",
  ]);
});

test("the module is for the server's resource", async () => {
  const handle = createHandler(new ShardedStore(), { resource: "video" });
  const module = await (await handle(new Request("http://localhost/play-count.js"))).text();
  expect(module).toContain('server,"video")');
});
