import { type Cases, expectAnswer } from "../subject.ts";

const ALLOWED: readonly (readonly [method: string, path: string, allowed: string])[] = [
  ["GET", "/", "allowed: id, top, after"],
  ["HEAD", "/", "allowed: id, top, after"],
  ["DELETE", "/", "none is allowed"],
  ["GET", "/song/1", "allowed: after"],
  ["POST", "/song/1", "none is allowed"],
  ["POST", "/batch", "none is allowed"],
  ["GET", "/folds", "none is allowed"],
  ["GET", "/folds/1", "none is allowed"],
  ["PUT", "/folds/1", "none is allowed"],
  ["DELETE", "/folds/1", "none is allowed"],
  ["GET", "/health", "none is allowed"],
  ["GET", "/health/live", "none is allowed"],
  ["GET", "/metrics", "none is allowed"],
  ["GET", "/openapi.json", "none is allowed"],
];

/** Query parameters of every operation. */
export const queries: Cases = {
  "an unknown query parameter is refused and named, and the request does nothing": async ({ fetch }) => {
    await expectAnswer(fetch("/song/1", { method: "POST" }), 200, "1");
    for (const [method, path, allowed] of ALLOWED) {
      for (const [query, name] of [
        ["foo=1", "foo"],
        ["x", "x"],
        ["TOP=1", "TOP"],
        ["=1", ""],
        ["%22=1", '\\"'],
        ["__proto__=1", "__proto__"],
        ["after[]=1", "after[]"],
      ]) {
        const detail = `Bad Request\nUnknown query parameter "${name}"; ${allowed} here`;
        const answer = fetch(`${path}?${query}`, { method });
        await expectAnswer(answer, 400, method === "HEAD" ? "" : detail);
      }
    }
    await expectAnswer(fetch("/?top=1", { method: "DELETE" }), 400);
    await expectAnswer(fetch("/song/1?after=0", { method: "POST" }), 400);
    await expectAnswer(fetch("/?top=1&foo=1"), 400);
    await expectAnswer(fetch("/"), 200, "1=1");
    await expectAnswer(fetch("/folds"), 200, "");
  },

  "a query parameter that is given twice is refused": async ({ fetch }) => {
    for (const [path, name] of [
      ["/?top=1&top=2", "top"],
      ["/?top=1&after=0&top=1", "top"],
      ["/?after=0&after=0", "after"],
      ["/?id=1&after=0&id=2&after=0", "after"],
      ["/song/1?after=0&%61fter=0", "after"],
    ])
      await expectAnswer(
        fetch(path ?? ""),
        400,
        `Bad Request\nThe query parameter ${name} may be given once`,
      );
  },

  "an empty query, and empty parameters, are no parameters": async ({ fetch }) => {
    for (const query of ["?", "?&", "?&&"]) await expectAnswer(fetch(`/song/1${query}`), 200, "0");
  },
};
