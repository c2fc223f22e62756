import { expect } from "bun:test";
import { type Cases, expectAnswer, json } from "../subject.ts";

/** Settings of a server with tokens, origins and hosts. */
export const GUARDED = {
  token: "manage-0123456789",
  playToken: "play-0123456789==",
  corsOrigins: "https://Page.example:443,http://localhost:3000",
  allowedHosts: "localhost,127.1,[0:0:0:0:0:0:0:1],.example",
};

/** Headers of a client that may do everything on a server with {@linkcode GUARDED}. */
export const MANAGER: Readonly<Record<string, string>> = { authorization: `Bearer ${GUARDED.token}` };
const PLAYER = { authorization: `Bearer ${GUARDED.playToken}` } as const;

const MANAGED = [
  ["DELETE", "/"],
  ["PUT", "/folds/1"],
  ["DELETE", "/folds/1"],
  ["POST", "/batch"],
] as const;

/** Cases for a server with the settings in {@linkcode GUARDED}. */
export const access: Cases = {
  "reading needs no token": async ({ fetch }) => {
    for (const path of ["/", "/song/1", "/folds", "/health", "/?top=1"]) await expectAnswer(fetch(path), 200);
    await expectAnswer(fetch("/song/1", { method: "OPTIONS" }), 204);
    await expectAnswer(fetch("/nothing", { method: "DELETE" }), 404);
    await expectAnswer(fetch("/song/1", { method: "DELETE" }), 405);
  },

  "playing needs one of the two tokens": async ({ fetch }) => {
    const play = (headers: Record<string, string>) => fetch("/song/1", { method: "POST", headers });
    const none = await expectAnswer(play({}), 401, "Unauthorized\nThis request requires a bearer token");
    expect(none.headers.get("www-authenticate")).toBe("Bearer");
    await expectAnswer(play(PLAYER), 200, "1");
    await expectAnswer(play(MANAGER), 200, "2");
    await expectAnswer(play({ authorization: `bearer  ${GUARDED.playToken} ` }), 200, "3");
  },

  "a writer with the play token cannot use the name of a writer with the token for everything": async ({
    fetch,
  }) => {
    const writer = crypto.randomUUID();
    const play = (headers: Readonly<Record<string, string>>, seq: number) =>
      fetch("/song/1", { method: "POST", headers: { ...headers, "idempotency-key": `"${writer}:${seq}"` } });
    await expectAnswer(play(PLAYER, Number.MAX_SAFE_INTEGER), 200, "1");
    await expectAnswer(play(MANAGER, 1), 200, "2");
    await expectAnswer(play(PLAYER, 1), 409);
    await expectAnswer(play(MANAGER, 1), 200, "2");
  },

  "everything else needs the token for everything": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", { method: "POST", headers: PLAYER }), 200, "1");
    for (const [method, path] of MANAGED) {
      const none = await expectAnswer(fetch(path, { method }), 401);
      expect(none.headers.get("www-authenticate")).toBe("Bearer");
      const little = await expectAnswer(fetch(path, { method, headers: PLAYER }), 403);
      expect(little.headers.get("www-authenticate")).toBe('Bearer error="insufficient_scope"');
    }
    await expectAnswer(fetch("/"), 200, "1=1");
    await expectAnswer(fetch("/folds"), 200, "");
    for (const [method, path] of [...MANAGED.slice(1), ["DELETE", "/"]] as const)
      expect((await fetch(path, { method, headers: MANAGER })).status).toBeOneOf([200, 201]);
  },

  "a wrong token is refused, however similar": async ({ fetch }) => {
    const { token } = GUARDED;
    const wrong = [token.slice(1), `${token}0`, token.toUpperCase(), token + token, "x", "", "=", "ü"];
    const schemes = [`Basic ${token}`, token, "Bearer", `Bearer ${token},x`, `Bearer ${token} x`];
    for (const authorization of [...wrong.map((value) => `Bearer ${value}`), ...schemes]) {
      const answer = fetch("/", {
        method: "DELETE",
        headers: { authorization: encodeURI(authorization), ...json },
      });
      const { headers } = await expectAnswer(answer, 401);
      expect(headers.get("www-authenticate")).toStartWith("Bearer");
      expect(headers.get("content-type")).toBe("application/problem+json");
    }
  },

  "pages of other origins are refused, except the listed ones": async ({ fetch, origin: own }) => {
    const from = (origin: string, method = "GET") =>
      fetch("/song/1", { method, headers: { origin, ...PLAYER } });
    for (const origin of [
      "https://other.example",
      "null",
      "https://page.example.evil",
      "http://page.example",
    ]) {
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const answer = await expectAnswer(from(origin, method), 403);
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      }
    }
    await expectAnswer(fetch("/song/1"), 200, "0");
    await expectAnswer(from(own, "POST"), 200, "1");
    for (const origin of ["https://page.example", "http://localhost:3000"]) {
      const { headers } = await expectAnswer(from(origin, "POST"), 200);
      expect(headers.get("access-control-allow-origin")).toBe(origin);
      expect(headers.get("vary")).toBe("Accept, Origin");
      expect(headers.get("access-control-expose-headers")?.split(", ")).toEqual(
        expect.arrayContaining(["Fold", "Link"]),
      );
    }
    expect((await fetch("/song/1")).headers.get("access-control-allow-origin")).toBeNull();
  },

  "pages of listed origins can read errors": async ({ fetch }) => {
    const origin = "https://page.example";
    for (const [path, method, status] of [
      ["/nothing", "GET", 404],
      ["/", "DELETE", 401],
      ["/song/%ff", "GET", 400],
      ["/song/1", "DELETE", 405],
    ] as const) {
      const { headers } = await expectAnswer(fetch(path, { method, headers: { origin } }), status);
      expect(headers.get("access-control-allow-origin")).toBe(origin);
    }
  },

  "a preflight needs no token, and lists the methods and headers": async ({ fetch }) => {
    const headers = { origin: "https://page.example", "access-control-request-method": "DELETE" };
    const answer = await expectAnswer(fetch("/", { method: "OPTIONS", headers }), 204);
    expect(answer.headers.get("access-control-allow-methods")).toBe("GET, HEAD, DELETE, OPTIONS");
    expect(answer.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(answer.headers.get("access-control-max-age")).toMatch(/^\d+$/);
  },

  "a host is compared by what it means, not by its spelling": async ({ fetch }) => {
    for (const host of ["localhost.", "127.1:80", "0x7f.0.0.1", "[::1]", "[0:0::1]:8000", "A.Example."])
      await expectAnswer(fetch("/song/1", { headers: { host } }), 200);
    for (const host of ["localhost..", "127.2", "[::2]", "[::ffff:127.0.0.1]"])
      await expectAnswer(fetch("/song/1", { headers: { host } }), 403);
  },

  "a host that is not allowed is refused on every path": async ({ fetch }) => {
    const ask = (host: string, path = "/song/1") => fetch(path, { headers: { host } });
    for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1:1", "a.example", "b.a.example:99"])
      await expectAnswer(ask(host), 200);
    for (const host of ["evil.test", "localhost.evil.test", "example", "127.0.0.1.evil.test", "127.0.0.2"]) {
      await expectAnswer(ask(host), 403, "Forbidden\nThis host is not one of the allowed hosts");
      await expectAnswer(ask(host, "/nothing"), 403);
      await expectAnswer(ask(host, "/health/x"), 403);
    }
  },

  "probes are answered whatever the host": async ({ fetch }) => {
    for (const path of ["/health", "/health/live"]) {
      for (const host of ["10.0.0.7:8000", "evil.test", "[::1]:8000"]) {
        await expectAnswer(fetch(path, { headers: { host } }), 200, "OK");
        await expectAnswer(fetch(path, { method: "HEAD", headers: { host } }), 200, "");
      }
    }
  },

  "an origin and a host are the same with and without the default port": async ({ fetch }) => {
    const ask = (origin: string, host: string) => fetch("/song/1", { headers: { origin, host } });
    for (const [origin, host] of [
      ["http://a.example", "a.example:80"],
      ["http://a.example:80", "a.example"],
      ["https://a.example", "a.example:443"],
      ["https://a.example:443", "a.example"],
      ["https://a.example", "A.Example:"],
      ["https://page.example:443", "a.example"],
    ] as const)
      await expectAnswer(ask(origin, host), 200);
    for (const [origin, host] of [
      ["https://a.example", "a.example:80"],
      ["http://a.example", "a.example:443"],
      ["http://a.example:8000", "a.example"],
      ["http://a.example", "a.example:8000"],
      ["http://a.example:80:80", "a.example"],
      ["http://page.example:443", "a.example"],
    ] as const)
      await expectAnswer(ask(origin, host), 403);
  },

  "a write that a browser marks as cross-site needs a listed origin": async ({ fetch, origin: own }) => {
    const send = (method: string, path: string, headers: Record<string, string>) =>
      fetch(path, { method, headers: { ...MANAGER, "sec-fetch-site": "cross-site", ...headers } });
    for (const headers of [{}, { origin: own }] as Record<string, string>[]) {
      for (const [method, path] of [["POST", "/song/1"], ["OPTIONS", "/song/1"], ...MANAGED] as const)
        await expectAnswer(send(method, path, headers), 403);
      for (const method of ["GET", "HEAD"]) await expectAnswer(send(method, "/song/1", headers), 200);
    }
    await expectAnswer(fetch("/"), 200, "");
    await expectAnswer(send("POST", "/song/1", { origin: "https://page.example" }), 200, "1");
    for (const site of ["same-origin", "same-site", "none"])
      await expectAnswer(send("POST", "/song/1", { "sec-fetch-site": site }), 200);
  },

  "a request that a browser marks as same-origin is of this server, whatever Host a proxy sends": async ({
    fetch,
  }) => {
    for (const origin of ["https://music.test", "http://music.test:8000", "null"]) {
      const play = (site: string) =>
        fetch("/song/1", { method: "POST", headers: { ...PLAYER, origin, "sec-fetch-site": site } });
      const answer = await expectAnswer(play("same-origin"), 200);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      for (const site of ["same-site", "cross-site", "none"]) await expectAnswer(play(site), 403);
    }
    const headers = { origin: "https://page.example", "sec-fetch-site": "same-origin" };
    const listed = await expectAnswer(fetch("/song/1", { headers }), 200, "3");
    expect(listed.headers.get("access-control-allow-origin")).toBe("https://page.example");
  },

  "every answer varies by Origin once origins are listed": async ({ fetch }) => {
    for (const [method, path, headers] of [
      ["GET", "/song/1", {}],
      ["GET", "/", {}],
      ["GET", "/", { "if-none-match": "*" }],
      ["OPTIONS", "/", {}],
      ["DELETE", "/", {}],
      ["GET", "/metrics", {}],
      ["GET", "/openapi.json", {}],
      ["GET", "/nothing", {}],
      ["GET", "/", { host: "evil.test" }],
      ["GET", "/", { origin: "https://other.example" }],
      ["GET", "/song/1", { origin: "https://page.example" }],
      ["POST", "/song/1", { ...PLAYER, prefer: "return=minimal" }],
    ] as const) {
      const answer = await fetch(path, { method, headers });
      await answer.body?.cancel();
      const vary = answer.headers.get("vary")?.split(/, */) ?? [];
      expect([method, path, vary.filter((name) => name === "Origin")]).toEqual([method, path, ["Origin"]]);
    }
    // Every page may read the module.
    for (const headers of [{}, { "if-none-match": "*" }, { origin: "https://other.example" }]) {
      const answer = await fetch("/play-count.js", { headers });
      await answer.body?.cancel();
      expect(answer.headers.get("vary")).toBeNull();
    }
  },
};
