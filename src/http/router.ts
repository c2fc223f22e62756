import type { Target } from "./request/target.ts";

/** Groups of a pathname pattern by their names, as `URLPattern` returns them. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** Returns the groups of a target's path, or `undefined` if the pattern does not match it. */
export type Matcher = (target: Target) => Groups | undefined;

export const NO_GROUPS: Groups = {};

/** A literal path, with at most one group at its end: `:name` (a segment) or `:name(.+)` (the rest). */
const SIMPLE = /^(\/[A-Za-z0-9_~./-]*?)(?::([A-Za-z_]\w*)(\(\.\+\))?)?$/;

/**
 * Makes a matcher of a pattern that constrains the pathname only.
 *
 * It matches exactly as `URLPattern` does. Executing a `URLPattern` would make each request about 50% slower,
 * so the usual shapes of routes are matched by comparing strings, and only other shapes are executed.
 */
export function compile(pattern: URLPattern): Matcher {
  const [, literal, name, all] = SIMPLE.exec(pattern.pathname) ?? [];
  if (literal === undefined || ignoresCase(pattern, literal, name === undefined ? "" : "x"))
    return ({ path }) => pattern.exec({ pathname: path })?.pathname.groups;
  const { length } = literal;
  if (name === undefined)
    return ({ url, start, end }) =>
      end - start === length && url.startsWith(literal, start) ? NO_GROUPS : undefined;
  return ({ url, start, end }) => {
    if (end - start <= length || !url.startsWith(literal, start)) return undefined;
    const rest = url.slice(start + length, end);
    return all === undefined && rest.includes("/") ? undefined : { [name]: rest };
  };
}

/**
 * Returns a function that finds the first of `routes` that matches a target, and stores its groups in
 * `found`.
 */
export function createRouter<R extends { pattern: URLPattern }>(
  routes: readonly R[],
): (target: Target, found: { groups: Groups }) => R | undefined {
  const matchers = routes.map((route) => ({ route, match: compile(route.pattern) }));
  return (target, found) => {
    for (const { route, match } of matchers) {
      const groups = match(target);
      if (groups === undefined) continue;
      found.groups = groups;
      return route;
    }
    return undefined;
  };
}

/** Returns true if a pattern ignores case. Tries an example: not every runtime has a property for that. */
function ignoresCase(pattern: URLPattern, literal: string, group: string): boolean {
  const swapped = literal.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return swapped !== literal && pattern.test({ pathname: swapped + group });
}
