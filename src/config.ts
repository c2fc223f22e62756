/** Everything that can be set. Each setting is an option, a flag, and an environment variable. */
export interface Settings {
  host: string;
  port: number;
  workers: number | "auto";
  resource: string;
  basePath: string;
  maxSongs: number;
  maxIdBytes: number;
  maxFolds: number;
  maxWriters: number;
  maxStoreBytes: number;
  data: string;
  maxWaiting: number;
  maxBodyBytes: number;
  token: string;
  playToken: string;
  corsOrigins: string;
  allowedHosts: string;
  shutdownSeconds: number;
}

interface TextSetting {
  default: string;
  /** Whether it must never be shown: it cannot be on a command line, which all users of a machine can read. */
  isSecret?: true;
  pattern: RegExp;
  wanted: string;
  help: string;
}

interface NumberSetting {
  default: number;
  min: number;
  max: number;
  /** A word that may stand for a number. */
  word?: "auto";
  help: string;
}

/** RFC 6750 §2.1. */
const TOKEN = /^(?:[A-Za-z0-9._~+/-]+=*)?$/;

/** What each setting is by default, may be, and means. */
export const SETTINGS: {
  readonly [K in keyof Settings]: Settings[K] extends string ? TextSetting : NumberSetting;
} = {
  host: {
    default: "127.0.0.1",
    pattern: /^[\w:][\w.:-]*$/,
    wanted: "a host name or an IP address",
    help: "address to listen on; 0.0.0.0 or :: for all",
  },
  port: { default: 8000, min: 0, max: 65_535, help: "port to listen on; 0 for any that is free" },
  workers: {
    default: 1,
    min: 1,
    max: 64,
    word: "auto",
    help: "threads that serve; auto for as many as there are cores; more than 1 on Bun only",
  },
  resource: {
    default: "song",
    pattern: /^(?!folds$)[A-Za-z0-9_][A-Za-z0-9_.~-]*$/,
    wanted: "a path segment of A-Z a-z 0-9 _ . ~ - that begins with a letter, a digit or _, and is not folds",
    help: "what is counted, as the path says it: /song/ID",
  },
  basePath: {
    default: "",
    pattern: /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*$/,
    wanted: "a path of A-Z a-z 0-9 _ . ~ - that begins with a slash and ends without one, as in /plays",
    help: "path in front of every other",
  },
  maxSongs: { default: 10_000_000, min: 0, max: 2 ** 40, help: "songs there is room for" },
  maxIdBytes: { default: 512, min: 1, max: 4096, help: "longest id, in bytes of UTF-8" },
  maxFolds: { default: 16, min: 1, max: 64, help: "folds that may be sealed and not acknowledged" },
  maxWriters: {
    default: 100_000,
    min: 1,
    max: 1_000_000,
    help: "clients whose last request is kept, so that it can be sent again",
  },
  maxStoreBytes: {
    default: 2 ** 32,
    min: 2 ** 20,
    max: 2 ** 32, // the largest buffer of memory that Bun has
    help: "memory for songs, in bytes, reserved at the start and used as songs come",
  },
  data: {
    default: "",
    pattern: /^[^\0]*$/,
    wanted: "the path of a folder",
    help: "folder that counts are kept in, across crashes; none unless told: in memory only",
  },
  maxWaiting: {
    default: 10_000,
    min: 1,
    max: 2 ** 20,
    help: "requests that may wait for the disk, with --data",
  },
  maxBodyBytes: { default: 16 * 1024 * 1024, min: 1, max: 2 ** 30, help: "longest request body, in bytes" },
  token: {
    default: "",
    isSecret: true,
    pattern: TOKEN,
    wanted: "a bearer token of A-Z a-z 0-9 - . _ ~ + /",
    help: "has the token that DELETE, PUT and batches need",
  },
  playToken: {
    default: "",
    isSecret: true,
    pattern: TOKEN,
    wanted: "a bearer token of A-Z a-z 0-9 - . _ ~ + /",
    help: "has the token that plays need",
  },
  corsOrigins: {
    default: "",
    pattern: /^(?:https?:\/\/[\w.:[\]-]+(?:,(?!$)|$))*$/,
    wanted: "origins as https://example.com, with commas between",
    help: "origins of other servers' pages that may read and play",
  },
  allowedHosts: {
    default: "",
    pattern: /^(?:\.?[\w:[\]-][\w.:[\]-]*(?:,(?!$)|$))*$/,
    wanted: "host names, with commas between",
    help: "hosts that are served; loopback names if it listens there, or else all",
  },
  shutdownSeconds: {
    default: 10,
    min: 0,
    max: 3600,
    help: "how long requests under way may take when stopping",
  },
};

/** A setting's value as somebody wrote it, and where: a flag, say. */
export interface Written {
  value: string;
  where: string;
}

/**
 * Reads every setting: as it is written where `find` says, or else its default.
 *
 * @throws {RangeError} that says where, quotes the value, and states what is wanted.
 */
export function readSettings(find: (name: keyof Settings) => Written | undefined): Settings {
  const entries = settingNames().map((name) => {
    const { value, where } = find(name) ?? {};
    const isNumber = "min" in SETTINGS[name] && value !== undefined && /^\d+$/.test(value);
    return [name, settle(name, isNumber ? Number(value) : value, where)];
  });
  return Object.fromEntries(entries) as Settings;
}

/** Reads `PLAYCOUNT_…` variables out of `environment`; an empty one counts as not set. */
export function fromEnvironment(
  environment: Readonly<Record<string, unknown>>,
): (name: keyof Settings) => Written | undefined {
  return (name) => {
    const where = environmentName(name);
    const value = environment[where];
    return value === undefined || value === "" ? undefined : { value: String(value), where };
  };
}

/**
 * Gives `value` back if it is one that the setting may have, and the setting's default for `undefined`.
 *
 * @throws {RangeError} if it is not; it begins with `where`.
 */
export function settle<K extends keyof Settings>(name: K, value: unknown, where: string = name): Settings[K] {
  const setting: TextSetting | NumberSetting = SETTINGS[name];
  if (value === undefined) return setting.default as Settings[K];
  if (!isUsable(setting, value)) {
    if ("isSecret" in setting) throw new RangeError(`${where} must be ${wantedOf(setting)}`);
    throw new RangeError(
      `${where} must be ${wantedOf(setting)}, not ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
    );
  }
  return value as Settings[K];
}

function wantedOf(setting: TextSetting | NumberSetting): string {
  if ("pattern" in setting) return setting.wanted;
  const wanted = `a whole number from ${setting.min} to ${setting.max}`;
  return setting.word === undefined ? wanted : `${wanted} or ${setting.word}`;
}

function isUsable(setting: TextSetting | NumberSetting, value: unknown): boolean {
  if ("pattern" in setting) return typeof value === "string" && setting.pattern.test(value);
  if (setting.word !== undefined && value === setting.word) return true;
  return Number.isInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max;
}

/** The names of all settings, in the order in which they are shown. */
export function settingNames(): (keyof Settings)[] {
  return Object.keys(SETTINGS) as (keyof Settings)[];
}

/** The command line's name of a setting, or of a file that has it: `--max-id-bytes`, without the dashes in front. */
export function flagName(name: keyof Settings): string {
  return isSecret(name) ? `${kebab(name)}-file` : kebab(name);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Whether a setting's value must never be shown; its flag names a file that holds it. */
export function isSecret(name: keyof Settings): boolean {
  return "isSecret" in SETTINGS[name];
}

/** The environment's name of a setting: `PLAYCOUNT_MAX_ID_BYTES`. */
export function environmentName(name: keyof Settings): string {
  return `PLAYCOUNT_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
}
