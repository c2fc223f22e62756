/** A command certainly did nothing: it was not sent, or a server refused it. */
export class NotDone extends Error {
  override name = "NotDone";
}

/** A command was sent, and its outcome is unknown. */
export class Lost extends Error {
  override name = "Lost";

  constructor() {
    super("The connection to Redis was lost before the answer came");
  }
}

/** A script failed half-way: a key holds data that these scripts did not write. */
export class Broken extends Error {
  override name = "Broken";
}

/** An error reply of a server. */
export class ErrorReply extends Error {
  override name = "ErrorReply";

  /** The first word of the message, as `MOVED`. */
  get code(): string {
    return this.message.split(" ", 1)[0] as string;
  }
}

/** Error codes of commands that did nothing, each with its explanation for the operator. */
const REFUSALS: Readonly<Record<string, string>> = {
  LOADING: "it is loading its data",
  CLUSTERDOWN: "the cluster is down",
  MASTERDOWN: "it has lost its master",
  READONLY: "it is a replica",
  MISCONF: "it cannot save to its disk",
  OOM: "it has no memory left",
  BUSY: "it is busy with a script",
  NOREPLICAS: "it has too few replicas",
  NOAUTH: "it requires a password",
  WRONGPASS: "it rejects the user or the password",
  NOPERM: "its ACL denies the command",
  TRYAGAIN: "a slot is being moved",
};

/** Codes that a script meets at its first write, so that none of it is done. */
const OF_WRITES = ["MISCONF", "OOM", "READONLY", "NOREPLICAS"];

/** Returns the explanation of an error reply, or `undefined` if something may have been done. */
export function refusalOf({ code, message }: ErrorReply): string | undefined {
  const isWithinScript = / script: |@user_script/.test(message);
  if (!Object.hasOwn(REFUSALS, code) || (isWithinScript && !OF_WRITES.includes(code))) return undefined;
  return REFUSALS[code];
}
