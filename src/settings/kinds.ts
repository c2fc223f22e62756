interface SettingOf<T> {
  default: T;
  /** A noun phrase for `--help` and docs/settings.md. */
  help: string;
  /** The setting without which this one has no effect. */
  requires?: "store" | "token";
}

/** A setting whose value is text. */
export interface TextSetting extends SettingOf<string> {
  /** The effect of an empty default, if that is not obvious. */
  emptyMeans?: string;
  /** Stands for the value in `--help`. */
  placeholder: string;
  /**
   * Its value is never shown, and is not taken from the command line, which all users of a machine can read.
   */
  isSecret?: boolean;
  /** An invalid value is not quoted in errors: it may contain a password by mistake. */
  mayContainSecret?: boolean;
  /** An empty flag is a value. Otherwise it is refused, because an unset variable of a shell is empty too. */
  canBeEmpty?: boolean;
  pattern: Pick<RegExp, "test">;
  /** Returns the form of a valid value in which it is used. */
  canonical?: (value: string) => string;
  /** Completes "must be …" in errors. */
  expected: string;
}

/** A setting whose value is a whole number, or `word`. */
export interface NumberSetting extends SettingOf<number | "auto"> {
  min: number;
  max: number;
  word?: "auto";
  isPowerOfTwo?: boolean;
}

/** A setting that is on or off, and has a flag to change that. */
export type SwitchSetting = SettingOf<boolean>;

export type Setting = TextSetting | NumberSetting | SwitchSetting;
