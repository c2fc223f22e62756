import { AdditionRing } from "../../../src/store/durable/threads/addition-ring.ts";
import { Database } from "../../../src/store/durable/disk/database.ts";

// The thread that writes, which dies before it answers when it has made a song durable that is called so.
const { commit } = Database.prototype;
const { finish } = AdditionRing.prototype;
let isDoomed = false;
Database.prototype.commit = function (made): void {
  isDoomed ||= made.plays.has("the last one");
  commit.call(this, made);
};
AdditionRing.prototype.finish = function (outcome): void {
  if (isDoomed) throw new Error("as it was told");
  finish.call(this, outcome);
};
await import("./commit-thread-entry.ts");
