/** A command that certainly did nothing: it was not sent, or a server refused it. */
export class NotDone extends Error {
  override name = "NotDone";
}

/** A command was sent, and nobody knows what became of it. */
export class Lost extends Error {
  override name = "Lost";

  constructor() {
    super("The connection to Redis was lost before the answer came");
  }
}

/** A script failed, and nobody knows how far it had come: something is there that none of these scripts has put there. */
export class Broken extends Error {
  override name = "Broken";
}

/** A server answered with an error. */
export class ErrorReply extends Error {
  override name = "ErrorReply";

  /** Its first word: `MOVED`, say. */
  get code(): string {
    return this.message.split(" ", 1)[0] as string;
  }
}

/** Errors with which a server says that it does nothing for now, and what each means to whoever operates it. */
const REFUSALS: Readonly<Record<string, string>> = {
  LOADING: "it is loading its data",
  CLUSTERDOWN: "the cluster is down",
  MASTERDOWN: "it has lost its master",
  READONLY: "it is a replica",
  MISCONF: "it cannot save to its disk",
  OOM: "it has no memory left",
  BUSY: "it is busy with a script",
  NOREPLICAS: "it has too few replicas",
  NOAUTH: "it wants a password",
  WRONGPASS: "it does not take the password",
  NOPERM: "it does not permit it",
  TRYAGAIN: "a shard is being moved",
};

/** Of these the first command of a script that writes is refused, and so all of it. */
const OF_WRITES = ["MISCONF", "OOM", "READONLY", "NOREPLICAS"];

/** What an error that a server answers with means, if it certainly did nothing. */
export function refusalOf({ code, message }: ErrorReply): string | undefined {
  const isWithinScript = / script: |@user_script/.test(message);
  if (!Object.hasOwn(REFUSALS, code) || (isWithinScript && !OF_WRITES.includes(code))) return undefined;
  return REFUSALS[code];
}
