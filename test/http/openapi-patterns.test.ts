import { expect, test } from "bun:test";
import { createHandler, ShardedStore } from "../../src/mod.ts";
import {
  ID_PATTERN,
  KEY_PATTERN,
  LABEL_PATTERN,
  MAPPING_PATTERN,
  NUMBER_PATTERN,
} from "../../src/http/openapi-patterns.ts";
import { Random } from "../support/random.ts";

const ROUNDS = 3_000;

/** Characters that a pattern may get wrong. */
const CHARACTERS = ["a", ".", "/", "=", ",", "%", " ", "~", "\n", "\0", "é", "�", "😀", '"', "1", ":", "-"];
const BYTES = [
  "00",
  "01",
  "2E",
  "2F",
  "7F",
  "80",
  "A0",
  "BF",
  "C1",
  "C2",
  "E0",
  "ED",
  "EF",
  "F0",
  "F4",
  "BD",
];
const UNITS = [...BYTES.map((hex) => `%${hex}`), "%C3%A9", "%EF%BF%BD", "%EF%BF%80", ...CHARACTERS];

const handle = createHandler(new ShardedStore());
let fold = 0;

/** Returns true unless a request is malformed. It may conflict with an earlier one. */
async function accepts(method: string, path: string, init: RequestInit): Promise<boolean> {
  return (await handle(new Request(`http://localhost${path}`, { method, ...init }))).status !== 400;
}

function join(random: Random, parts: readonly string[], most: number): string {
  const picked = Array.from({ length: 1 + random.below(most) }, () => parts[random.below(parts.length)]);
  return picked.join("");
}

interface Grammar {
  pattern: string;
  /** Set if the pattern matches all that is accepted. */
  isExact?: true;
  make: (random: Random) => string;
  accepts: (text: string) => Promise<boolean>;
}

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  "an id": {
    pattern: ID_PATTERN,
    isExact: true,
    make: (random) => join(random, CHARACTERS, 4),
    accepts: (id) => {
      const headers = { "content-type": "application/json" };
      return accepts("POST", "/batch", { body: JSON.stringify({ [id]: 1 }), headers });
    },
  },
  "a mapping": {
    pattern: MAPPING_PATTERN,
    make: (random) => `${join(random, UNITS, 4)}=${join(random, ["1", "20", "3,b=4"], 2)}`,
    accepts: (body) => accepts("POST", "/batch", { body }),
  },
  "a number": {
    pattern: NUMBER_PATTERN,
    make: (random) => join(random, ["0", "7", "12345678", "-", "."], 4),
    accepts: (body) => accepts("POST", "/song/1", { body }),
  },
  "a label": {
    pattern: LABEL_PATTERN,
    isExact: true,
    make: (random) => join(random, CHARACTERS, 4),
    accepts: (body) => accepts("PUT", `/folds/${++fold}`, { body }),
  },
  "an Idempotency-Key": {
    pattern: KEY_PATTERN,
    make: (random) =>
      `"${join(random, ["w", "-", ".", ":", "!"], 3)}:${join(random, ["1", "234567", "x"], 2)}"`,
    accepts: (key) => accepts("POST", "/song/1", { headers: { "idempotency-key": key } }),
  },
};

test.each(Object.entries(GRAMMARS))(
  "the pattern of %s matches what the server accepts",
  async (name, grammar) => {
    const random = new Random(`pattern of ${name}`);
    const pattern = new RegExp(grammar.pattern, "u");
    let matches = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const text = grammar.make(random);
      const isMatched = pattern.test(text);
      const isAccepted = await grammar.accepts(text);
      if (isMatched || grammar.isExact) expect({ text, isMatched }).toEqual({ text, isMatched: isAccepted });
      if (isMatched) matches++;
    }
    expect(matches).toBeGreaterThan(ROUNDS / 20);
  },
);
