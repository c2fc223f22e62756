import { Database } from "../../src/durable/database.ts";
import { Writer } from "../../src/durable/writer.ts";

// The thread that writes, which dies as soon as it is to make a song durable that is called so.
const { work } = Writer.prototype;
let isDoomed = false;
Database.prototype.commit = function ({ plays }): void {
  isDoomed ||= plays.has("the last one");
};
Writer.prototype.work = function (): boolean {
  const isBusy = work.call(this);
  if (isDoomed) throw new Error("as it was told");
  return isBusy;
};
await import("./writer-entry.ts");
