import { expect } from "bun:test";
import { gzipSync } from "bun";
import { elementsOf } from "../../support/element-module.ts";
import { type Cases, expectAnswer } from "../subject.ts";

const PAGE = "text/html;charset=utf-8";
const TEXT = "text/plain;charset=utf-8";
const JSON_TYPE = "application/json";
const MODULE = "text/javascript;charset=utf-8";

const FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const CHROME =
  "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";

/** The type of `GET /` for clients as they come; without a name, for clients that may come. */
const CLIENTS: readonly (readonly [client: string, accept: string | undefined, type: string])[] = [
  ["Firefox, Safari", FIREFOX, PAGE],
  ["Firefox before 132", `${FIREFOX.slice(0, 54)}image/avif,image/webp,*/*;q=0.8`, PAGE],
  ["Chrome, Edge, Opera", CHROME, PAGE],
  [
    "Googlebot",
    "text/html,application/xhtml+xml,application/signed-exchange;v=b3,application/xml;q=0.9,*/*;q=0.8",
    PAGE,
  ],
  ["Turbo", "text/html, application/xhtml+xml", PAGE],
  ["", "text/html", PAGE],
  ["", "TEXT/HTML;charset=UTF-8", PAGE],
  ["", "image/png, text/html;q=0.1", PAGE],
  ["", "text/html, text/plain;q=0, application/json;q=0", PAGE],
  ["an image of a page in Chrome", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", TEXT],
  ["curl, wget, HTTPie, Postman, Ruby, requests, httpx, fetch of Node, Deno, Bun and browsers", "*/*", TEXT],
  ["previews of Facebook, Slack, Discord and WhatsApp, probes of Kubernetes", "*/*", TEXT],
  ["Go, urllib of Python, PHP, OkHttp, java.net.http, probes of HAProxy and Google", undefined, TEXT],
  ["URL.openStream of Java", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT],
  ["htmx", "text/html, */*", TEXT],
  [
    "Prometheus",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    TEXT,
  ],
  ["axios", "application/json, text/plain, */*", JSON_TYPE],
  ["getJSON of jQuery", "application/json, text/javascript, */*; q=0.01", JSON_TYPE],
  ["", "application/json, text/html;q=0.9, application/xhtml+xml;q=0.9", JSON_TYPE],
  ["", "text/plain, text/html;q=0.9, application/xhtml+xml;q=0.9", TEXT],
];

const BROWSER = { accept: CHROME };

/** The page for people, and the module for pages of a site. */
export const pages: Cases = {
  "GET / is a page for browsers, and a list for programs": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", { method: "POST" }), 200, "1");
    for (const [client, accept, type] of CLIENTS) {
      const answer = await fetch("/", accept === undefined ? {} : { headers: { accept } });
      const body = await answer.text();
      expect({ client, accept, type: answer.headers.get("content-type") }).toEqual({ client, accept, type });
      expect([answer.status, answer.headers.get("vary")]).toEqual([200, "Accept"]);
      if (type === PAGE) expect(body).toStartWith("<!doctype html>");
      else expect(body).toBe(type === TEXT ? "1=1" : '{"1":1}');
    }
  },

  "a query selects songs, so its answer is never a page": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", { method: "POST" }), 200, "1");
    for (const query of ["?top=3", "?id=1", "?after=0"]) {
      const { headers } = await expectAnswer(fetch(`/${query}`, { headers: BROWSER }), 200, "1=1");
      expect(headers.get("content-type")).toBe(TEXT);
      await expectAnswer(fetch(`/${query}`, { headers: { accept: "text/html" } }), 406);
    }
    const { headers } = await fetch("/?", { headers: BROWSER }); // selects nothing
    expect(headers.get("content-type")).toBe(PAGE);
    await expectAnswer(fetch("/song/1", { headers: BROWSER }), 200, "1");
  },

  "the page has a policy that allows its own script and style only, and is short": async ({ fetch }) => {
    const answer = await fetch("/", { headers: BROWSER });
    const text = await answer.text();
    expect(text.length).toBeLessThan(20_000);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toStartWith("default-src 'none'; ");
    expect(policy).toContain("; frame-ancestors 'none';");
    expect(policy).not.toContain("unsafe");
    for (const tag of ["script", "style"]) {
      const [, content = ""] = new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, "s").exec(text) ?? [];
      const hash = new Bun.CryptoHasher("sha256").update(content).digest("base64");
      expect(policy).toContain(`; ${tag}-src 'sha256-${hash}';`);
    }
    // It works under every base path, and is complete.
    expect(text).not.toMatch(/(?:src|href)="\/|url\(|@import|\son\w+="|\sstyle="/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  },

  "a page or a module that a browser has is not sent again": async ({ fetch }) => {
    for (const path of ["/", "/play-count.js"]) {
      const { headers } = await expectAnswer(fetch(path, { headers: BROWSER }), 200);
      const etag = headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[^"]+"$/);
      await expectAnswer(fetch("/song/1", { method: "POST" }), 200);
      const again = fetch(path, { headers: { ...BROWSER, "if-none-match": etag } });
      expect((await expectAnswer(again, 304, "")).headers.get("etag")).toBe(etag);
      await expectAnswer(fetch(path, { headers: { ...BROWSER, "if-match": '"other"' } }), 412);
      const head = await expectAnswer(fetch(path, { method: "HEAD", headers: BROWSER }), 200, "");
      expect(head.headers.get("etag")).toBe(etag);
    }
  },

  "the module is JavaScript of less than 4 KB compressed, for pages of every origin": async ({ fetch }) => {
    for (const headers of [
      {},
      { origin: "https://other.example" },
      { accept: "text/html", origin: "null" },
    ]) {
      const answer = await fetch("/play-count.js", { headers });
      const text = await answer.text();
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, MODULE]);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("cache-control")).toBe("public, max-age=3600");
      expect(gzipSync(text).length).toBeLessThan(4096);
      expect(elementsOf(text)).toEqual(["play-count"]);
    }
    await expectAnswer(fetch("/", { headers: { origin: "https://other.example" } }), 403);
  },
};
