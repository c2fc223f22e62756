import type { Flags } from "../flags.ts";

const VALUES = [
  ...["from", "into", "into-file", "exec", "table", "id", "plays", "name", "unknown", "history", "every"],
  ...["rows", "adopt", "ca", "password-file", "token-file", "to-token-file", "lock-timeout", "timeout"],
];

/** The flags of `playcount fold`. */
export const FOLD_FLAGS: Flags = {
  ...Object.fromEntries(VALUES.map((name) => [name, { type: "string" }])),
  skip: { type: "boolean" },
  "dry-run": { type: "boolean" },
  "print-sql": { type: "boolean" },
  "print-schema": { type: "boolean" },
  help: { type: "boolean", short: "h" },
};

const OF_DATABASES = [
  ...["table", "id", "plays", "history", "rows", "print-sql", "print-schema"],
  ...["ca", "password-file", "lock-timeout", "timeout"],
];

/** Flags that are not for all destinations, and the kinds that they are for. */
export const USES: readonly { flags: readonly string[]; kinds: readonly string[]; what: string }[] = [
  { flags: OF_DATABASES, kinds: ["database"], what: "a database of --into" },
  { flags: ["to-token-file"], kinds: ["servers"], what: "servers of --into" },
  { flags: ["unknown"], kinds: ["database", "servers"], what: "a database or servers of --into" },
  { flags: ["name"], kinds: ["database", "command"], what: "a table or a command" },
];
