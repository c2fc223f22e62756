import { expect } from "bun:test";
import { expectProblem } from "../problems.ts";
import { type Cases, expectAnswer, json, type Subject } from "../subject.ts";

async function count({ fetch }: Subject, plays: Readonly<Record<string, number>>): Promise<void> {
  for (const [id, body] of Object.entries(plays)) {
    await expectAnswer(
      fetch(`/song/${encodeURIComponent(id)}`, { method: "POST", body: String(body) }),
      200,
      String(body),
    );
  }
}

async function etag({ fetch }: Subject, path = "/", headers: Record<string, string> = {}): Promise<string> {
  const answer = await expectAnswer(fetch(path, { headers }), 200);
  return answer.headers.get("etag") ?? "none";
}

/** All songs, rankings, and conditions on the state of the counts. */
export const listing: Cases = {
  "all songs are listed, with ids percent-encoded in text and raw in JSON": async (subject) => {
    const plays = { "a=b,c": 1, "ä/€": 2, __proto__x: 3, 'q"\n': 4, "10": 5, "9": 6 };
    await count(subject, plays);
    const text = await (await subject.fetch("/")).text();
    const pairs = Object.entries(plays).map(([id, n]) => `${encodeURIComponent(id)}=${n}`);
    expect(text.split(",").sort()).toEqual(pairs.sort());
    const answer = await subject.fetch("/", { headers: json });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual(plays);
  },

  "__proto__ is an id like any other": async ({ fetch }) => {
    await expectAnswer(fetch("/song/__proto__", { method: "POST" }), 200, "1");
    await expectAnswer(fetch("/song/constructor"), 200, "0");
    await expectAnswer(fetch("/", { headers: json }), 200, '{"__proto__":1}');
    await expectAnswer(fetch("/"), 200, "__proto__=1");
  },

  "an empty list is the empty text, or an empty object": async ({ fetch }) => {
    await expectAnswer(fetch("/"), 200, "");
    await expectAnswer(fetch("/", { headers: json }), 200, "{}");
    await expectAnswer(fetch("/?top=3"), 200, "");
    await expectAnswer(fetch("/?top=3", { headers: json }), 200, "[]");
  },

  "a ranking is in descending order, with ties in the order of ids": async (subject) => {
    await count(subject, { b: 5, a: 5, c: 9, d: 1 });
    await expectAnswer(subject.fetch("/?top=1"), 200, "c=9");
    await expectAnswer(subject.fetch("/?top=3"), 200, "c=9,a=5,b=5");
    await expectAnswer(subject.fetch("/?top=1000"), 200, "c=9,a=5,b=5,d=1");
    await expectAnswer(subject.fetch("/?after=0&top=2"), 200, "c=9,a=5");
    await expectAnswer(
      subject.fetch("/?top=2", { headers: json }),
      200,
      '[{"id":"c","count":9},{"id":"a","count":5}]',
    );
  },

  "any other top than a whole number from 1 to 1000 is refused": async ({ fetch }) => {
    for (const top of ["0", "1001", "-1", "1.5", "", "x", "1e2", "%zz", "99999999999"]) {
      await expectAnswer(
        fetch(`/?top=${top}`),
        400,
        "Bad Request\ntop must be a whole number from 1 to 1000",
      );
    }
  },

  "the list may be cached, must be revalidated, and links to its songs": async ({ fetch }) => {
    const { headers } = await expectAnswer(fetch("/"), 200);
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("vary")).toBe("Accept");
    expect(headers.get("link")).toBeNull(); // a template is no URI reference
    expect(headers.get("link-template")).toBe('"/song/{id}"; rel="item"');
  },

  "the entity tag changes with every change, and with nothing else": async (subject) => {
    const seen = new Set<string>();
    for (const change of [
      [],
      ["/song/1", "POST"],
      ["/song/2", "POST"],
      ["/song/1", "POST"],
      ["/", "DELETE"],
    ]) {
      const [path, method] = change;
      if (path !== undefined && method !== undefined)
        await expectAnswer(subject.fetch(path, { method }), 200);
      const tag = await etag(subject);
      expect(tag).toMatch(/^"[^"]+"$/);
      await expectAnswer(subject.fetch("/song/1"), 200);
      await expectAnswer(subject.fetch("/song/1", { method: "POST", body: "nonsense" }), 400);
      expect(await etag(subject)).toBe(tag);
      seen.add(tag);
    }
    expect(seen.size).toBe(5);
  },

  "each representation of the list has an entity tag of its own": async (subject) => {
    const tags = [
      await etag(subject),
      await etag(subject, "/", json),
      await etag(subject, "/?top=1"),
      await etag(subject, "/?top=2"),
      await etag(subject, "/?top=2", json),
    ];
    expect(new Set(tags).size).toBe(5);
  },

  "a client with the current list is answered 304": async (subject) => {
    await count(subject, { a: 1 });
    const tag = await etag(subject);
    for (const held of [tag, `W/${tag}`, `"x", ${tag}`, "*"]) {
      const answer = await expectAnswer(subject.fetch("/", { headers: { "if-none-match": held } }), 304, "");
      expect(answer.headers.get("etag")).toBe(tag);
      expect(answer.headers.get("vary")).toBe("Accept");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
    }
    await expectAnswer(subject.fetch("/", { headers: { "if-none-match": '"x"' } }), 200, "a=1");
    await expectAnswer(subject.fetch("/song/a", { method: "POST" }), 200, "2");
    await expectAnswer(subject.fetch("/", { headers: { "if-none-match": tag } }), 200, "a=2");
  },

  "every method that changes counts evaluates conditions, and does nothing if they fail": async ({
    fetch,
  }) => {
    await expectAnswer(fetch("/song/a", { method: "POST" }), 200, "1");
    const never = [{ "if-match": '"x"' }, { "if-none-match": "*" }] as const;
    for (const headers of never) await expectAnswer(fetch("/song/a", { method: "POST", headers }), 412);
    await expectAnswer(fetch("/", { headers: { "if-match": '"x"' } }), 412);
    await expectAnswer(fetch("/", { headers: { "if-match": "*" } }), 200, "a=1");
    const headers = { "if-match": "*", "if-none-match": '"x"' };
    await expectAnswer(fetch("/song/a", { method: "POST", headers }), 200, "2");
  },

  "a list of many songs arrives whole, in both formats": async ({ fetch }) => {
    const ids = Array.from({ length: 300 }, (_, at) => `${at}-${"long".repeat(100)}`);
    await Promise.all(ids.map((id) => expectAnswer(fetch(`/song/${id}`, { method: "POST" }), 200, "1")));
    const text = await (await fetch("/")).text();
    expect(text.split(",").sort()).toEqual(ids.map((id) => `${id}=1`).sort());
    const all = (await (await fetch("/", { headers: json })).json()) as object;
    expect(Object.keys(all).sort()).toEqual(ids.sort());
  },
};

/** The same for a store that clears on a condition. */
export const conditionalClears: Cases = {
  "clearing on a condition that fails clears nothing": async (subject) => {
    await count(subject, { a: 1 });
    const old = await etag(subject);
    await expectAnswer(subject.fetch("/song/a", { method: "POST" }), 200, "2");
    const now = await etag(subject);
    for (const held of [old, `W/${now}`, '"x"', "nonsense"]) {
      const answer = subject.fetch("/", { method: "DELETE", headers: { "if-match": held } });
      await expectAnswer(
        answer,
        412,
        "Precondition Failed\nThe condition in If-Match or If-None-Match is false",
      );
    }
    await expectAnswer(subject.fetch("/"), 200, "a=2");
  },

  "clearing on a condition that is fulfilled clears, by the tag of any representation": async (subject) => {
    for (const [path, headers] of [
      ["/", {}],
      ["/", json],
      ["/?top=7", {}],
    ] as const) {
      await count(subject, { a: 3 });
      const tag = await etag(subject, path, headers);
      const answer = subject.fetch("/", { method: "DELETE", headers: { "if-match": `"x", ${tag}` } });
      await expectAnswer(answer, 200, "OK");
      await expectAnswer(subject.fetch("/"), 200, "");
    }
    await expectAnswer(subject.fetch("/", { method: "DELETE", headers: { "if-match": "*" } }), 200, "OK");
  },

  "clearing evaluates both conditions": async ({ fetch }) => {
    await expectAnswer(fetch("/song/a", { method: "POST" }), 200, "1");
    for (const headers of [{ "if-match": '"x"' }, { "if-none-match": "*" }])
      await expectAnswer(fetch("/", { method: "DELETE", headers }), 412);
    await expectAnswer(fetch("/"), 200, "a=1");
    const headers = { "if-match": "*", "if-none-match": '"x"' };
    await expectAnswer(fetch("/", { method: "DELETE", headers }), 200, "OK");
  },
};

/** The same for a store that does not. */
export const unsupportedClears: Cases = {
  "clearing on a condition is not implemented, and clears nothing": async (subject) => {
    const { fetch } = subject;
    await expectAnswer(fetch("/song/a", { method: "POST" }), 200, "1");
    const tag = await etag(subject);
    const wanted = {
      type: "Unsupported",
      status: 501,
      title: "The store of this server cannot do this; nothing was done",
      members: {},
    };
    for (const headers of [{ "if-match": tag }, { "if-match": '"x"' }, { "if-none-match": "*" }])
      await expectProblem(subject, "/", { method: "DELETE", headers }, wanted);
    await expectAnswer(fetch("/"), 200, "a=1");
    await expectAnswer(fetch("/", { method: "DELETE", headers: { "if-match": "*" } }), 200, "OK");
  },
};
