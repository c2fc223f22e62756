/** The groups of a pathname pattern by their names, as `URLPattern` gives them. */
export type Groups = Readonly<Record<string, string | undefined>>;

/** Gives the groups of a normalised pathname, or `undefined` if the pattern does not match it. */
export type Matcher = (pathname: string) => Groups | undefined;

const NO_GROUPS: Groups = {};

/** A literal path, and perhaps one group at its end: `:name`, a segment, or `:name(.+)`, all that is left. */
const SIMPLE = /^(\/[A-Za-z0-9_~./-]*?)(?::([A-Za-z_]\w*)(\(\.\+\))?)?$/;

/**
 * Makes a matcher out of a pattern that says something about the pathname alone.
 *
 * `URLPattern` is the authority. Executing one on every request costs half as much again as everything else,
 * so the shapes that routes usually have are matched by comparing strings; any other is left to it.
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

/** Finds the first of `routes` whose pattern matches a pathname. */
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

/** A pattern does not tell whether it was made to ignore case, but it shows. */
function ignoresCase(pattern: URLPattern, literal: string, group: string): boolean {
  const swapped = literal.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
  return swapped !== literal && pattern.test({ pathname: swapped + group });
}
