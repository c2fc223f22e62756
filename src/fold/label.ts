import { hash64 } from "../hash.ts";

/** Kinds of targets, as labels name them. A table has none. */
type Kind = "into" | "by command" | undefined;

/** The labels that servers take. */
const LABEL = /^(?=.{1,200}$)[!-~](?:[ -~]*[!-~])?$/;

/**
 * Returns the label of a job's folds. Different jobs have different labels: a name that is no label, or that
 * looks like one of another kind, is written with its hash.
 */
export function labelOf(kind: Kind, name: string): string {
  const start = kind === undefined ? "playcount fold" : `playcount fold ${kind}`;
  const label = `${start} ${name}`;
  if (LABEL.test(label) && !(kind === undefined && /^(?:into|by command) /.test(name))) return label;
  return `${start} ${hash64(name).join("-")} ${name.replace(/[^ -~]/g, "?")}`.slice(0, 200).trimEnd();
}

/** Returns true for the label of a move to other servers. */
export function isMove(label: string): boolean {
  return label.startsWith("playcount fold into ");
}

/** Returns the `--name` of the commands with a label; `undefined` for a label of another kind. */
export function commandNameIn(label: string): string | undefined {
  return /^playcount fold by command (.+)/.exec(label)?.[1];
}
