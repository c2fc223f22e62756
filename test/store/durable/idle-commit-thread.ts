import { Background } from "../../../src/store/durable/background.ts";

// Runs a commit thread that compacts nothing.
Background.prototype.step = () => false;
Background.prototype.finish = () => {};
await import("./commit-thread-entry.ts");
