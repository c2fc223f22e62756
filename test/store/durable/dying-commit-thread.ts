import { AdditionRing } from "../../../src/store/durable/threads/addition-ring.ts";
import { Database } from "../../../src/store/durable/disk/database.ts";

// Runs a commit thread that dies after the commit of a song named "the last one", before it replies.
const { commit } = Database.prototype;
const { finish } = AdditionRing.prototype;
let isDoomed = false;
Database.prototype.commit = function (plays, keys): void {
  isDoomed ||= plays.some(([id]) => id === "the last one");
  commit.call(this, plays, keys);
};
AdditionRing.prototype.finish = function (failure): void {
  if (isDoomed) throw new Error("killed by the test");
  finish.call(this, failure);
};
await import("./commit-thread-entry.ts");
