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
    "http://counts.example./plays",
    "http://counts.example.:80/plays/",
    "http://counts.example/%70l%61ys",
  ];
  for (const spelling of spellings) {
    const client = new CountClient([spelling, other]);
    const placed = IDS.slice(0, 200).map((id) => client.serverOf(id) === `${other}/`);
    expect(placed).toEqual(IDS.slice(0, 200).map((id) => plain.serverOf(id) === `${other}/`));
  }
});

test("the case of a percent-encoding does not matter, and an encoded slash stays one", () => {
  const other = "http://other.example";
  const placed = (server: string) =>
    IDS.slice(0, 200).map((id) => new CountClient([server, other]).serverOf(id) === `${other}/`);
  expect(placed("http://a.example/%c3%a4")).toEqual(placed("http://a.example/ä"));
  expect(placed("http://a.example/x%2Fy")).not.toEqual(placed("http://a.example/x/y"));
});

test("requests go to the server as it is spelt: the dot after a name keeps search domains out", async () => {
  const asked: string[] = [];
  const fetchOne = (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response("1"));
  };
  await new CountClient("http://counts.example./plays", { fetch: fetchOne }).getPlayCount("1");
  expect(asked).toEqual(["http://counts.example./plays/song/1"]);
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
  ["a user", "http://me@localhost/", "without user"],
  ["several servers in one text", "http://a.example,http://b.example", "http or https URL"],
  ["nothing", undefined as unknown as string, "not undefined"],
  ["a port", 8000 as unknown as string, "not 8000"],
  [
    "one server with and without a dot",
    ["http://a.example", "http://a.example.:80/"],
    "must differ: http://a",
  ],
  ["one server with and without an encoding", ["http://a.example/x", "http://a.example/%78/"], "must differ"],
  ["one server twice", ["http://localhost", "http://LOCALHOST:80/"], "must differ: http://localhost/ http"],
];

test.each(UNUSABLE)("%s as the list of servers is a TypeError that says so", (_what, servers, message) => {
  expect(() => new CountClient(servers)).toThrow(TypeError);
  expect(() => new CountClient(servers)).toThrow(message);
});

test.each([
  "http://me:geheim@localhost/",
  "http://me:geheim@localhost/?top=1",
  "http://me:ge@heim@localhost/",
  "http://me:geheim/@localhost/",
  "http://me:geheim#@localhost/",
  "http://me:geheim?@localhost/",
  "me:geheim@localhost:8000",
  "//me:geheim@localhost:8000",
  "ftp://me:geheim@localhost",
  "https://geheim@localhost/",
  "http://localhost/?token=geheim",
  "http://localhost/#geheim",
  "http://me:geheim@a.example,http://me:geheim@b.example",
])("the error of %s as a server does not show the password", (server) => {
  for (const servers of [server, ["http://a.example", server]]) {
    const failure = catchError(() => new CountClient(servers));
    expect(failure).toStartWith("TypeError: A server must be an http or https URL without user");
    expect(failure).not.toContain("heim");
  }
});

function catchError(act: () => unknown): string {
  try {
    return String(act());
  } catch (error) {
    return String(error);
  }
}
