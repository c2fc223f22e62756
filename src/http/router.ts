/** Groups of a pathname pattern by their names, as `URLPattern` returns them. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** Returns the groups of a normalised pathname, or `undefined` if the pattern does not match it. */
export type Matcher = (pathname: string) => Groups | undefined;

const NO_GROUPS: Groups = {};

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
    return (path) => execute(pattern, path);
  if (name === undefined) return (path) => (path === literal ? NO_GROUPS : undefined);
  return (path) => {
    if (path.length <= literal.length || !path.startsWith(literal)) return undefined;
    const rest = path.slice(literal.length);
    return all === undefined && rest.includes("/") ? undefined : { [name]: rest };
  };
}

/** Returns a function that finds the first of `routes` whose pattern matches a pathname. */
export function createRouter<R extends { pattern: URLPattern }>(
  routes: readonly R[],
): (pathname: string) => { route: R; groups: Groups } | undefined {
  const matchers = routes.map((route) => ({ route, match: compile(route.pattern) }));
  return (pathname) => {
    for (const { route, match } of matchers) {
      const groups = match(pathname);
      if (groups !== undefined) return { route, groups };
    }
    return undefined;
  };
}

function execute(pattern: URLPattern, pathname: string): Groups | undefined {
  return pattern.exec({ pathname })?.pathname.groups;
}

/** Tells by an example whether a pattern ignores case: it has no property for that on every runtime. */
function ignoresCase(pattern: URLPattern, literal: string, group: string): boolean {
  const swapped = literal.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return swapped !== literal && pattern.test({ pathname: swapped + group });
}
