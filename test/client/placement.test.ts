import { expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";

const IDS = Array.from({ length: 20_000 }, (_, n) => `song-${n}`);

function urls(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `http://10.0.0.${n + 1}:8000/`);
}

/** Five standard deviations of the number of `IDS` that are chosen with probability `p`. */
function bound(p: number): number {
  return 5 * Math.sqrt(IDS.length * p * (1 - p));
}

for (const n of [1, 2, 3, 4, 5, 6]) {
  test(`a server added to ${n} takes 1/${n + 1} of the songs, evenly from all others, and no other song moves`, () => {
    const before = new CountClient(urls(n));
    const after = new CountClient(urls(n + 1));
    const added = urls(n + 1).at(-1);
    const moved = IDS.filter((id) => before.serverOf(id) !== after.serverOf(id));
    expect(moved.filter((id) => after.serverOf(id) !== added)).toEqual([]);
    expect(Math.abs(moved.length - IDS.length / (n + 1))).toBeLessThan(bound(1 / (n + 1)));
    for (const server of urls(n)) {
      const lost = moved.filter((id) => before.serverOf(id) === server).length;
      const share = 1 / (n * (n + 1));
      expect(Math.abs(lost - IDS.length * share)).toBeLessThan(bound(share));
    }
  });
}

test("songs stay where they are: no release may change these placements", () => {
  const client = new CountClient([
    "http://one.example:8000",
    "http://two.example:8000",
    "http://three.example:8000/plays",
  ]);
  const placed = ["1", "2", "3", "42", "song-000000001", "a/b", "ä", "🎵", "a b", "%"].map((id) => [
    id,
    /\w+(?=\.example)/.exec(client.serverOf(id))?.[0],
  ]);
  expect(Object.fromEntries(placed)).toEqual({
    "1": "three",
    "2": "one",
    "3": "two",
    "42": "three",
    "song-000000001": "one",
    "a/b": "two",
    ä: "one",
    "🎵": "one",
    "a b": "three",
    "%": "three",
  });
});

test("the order of the list does not matter", () => {
  const forward = new CountClient(urls(5));
  const backward = new CountClient(urls(5).reverse());
  for (const id of IDS.slice(0, 500)) expect(backward.serverOf(id)).toBe(forward.serverOf(id));
});

test("the spelling of a server's URL does not matter", () => {
  const other = "http://other.example";
  const plain = new CountClient(["http://counts.example/plays/", other]);
  const spellings = [
    "http://counts.example/plays",
    "HTTP://COUNTS.example:80/plays//",
    "http://counts.example/./x/../plays",
  ];
  for (const spelling of spellings) {
    const client = new CountClient([spelling, other]);
    for (const id of IDS.slice(0, 200)) expect(client.serverOf(id)).toBe(plain.serverOf(id));
  }
});

test("every server gets its share of songs, even if the URLs differ in one character only", () => {
  const client = new CountClient(urls(9));
  const servers = new Map<string, number>();
  for (const id of IDS) servers.set(client.serverOf(id), (servers.get(client.serverOf(id)) ?? 0) + 1);
  expect([...servers.keys()].sort()).toEqual(urls(9));
  for (const songs of servers.values()) expect(Math.abs(songs - IDS.length / 9)).toBeLessThan(bound(1 / 9));
});

const UNUSABLE: readonly (readonly [string, string | string[], string])[] = [
  ["no server at all", [], "A CountClient needs at least one server"],
  ["a host without a scheme", "localhost:8000", 'http or https URL without user, query and fragment, not "l'],
  ["another scheme", "ftp://localhost/", 'not "ftp://localhost/"'],
  ["a relative URL", "/plays", 'not "/plays"'],
  ["no host", "http://", 'not "http://"'],
  ["an empty string", "", 'not ""'],
  ["a user and a password", "http://me:secret@localhost/", "without user"],
  ["a query", "http://localhost/?top=1", "without user, query"],
  ["a fragment", "http://localhost/#plays", "without user, query and fragment"],
  ["one server twice", ["http://localhost", "http://LOCALHOST:80/"], "must differ: http://localhost/ http"],
];

test.each(UNUSABLE)("%s as the list of servers is a TypeError that says so", (_what, servers, message) => {
  expect(() => new CountClient(servers)).toThrow(TypeError);
  expect(() => new CountClient(servers)).toThrow(message);
});
