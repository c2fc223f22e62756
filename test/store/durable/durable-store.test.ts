import { afterAll, afterEach, setDefaultTimeout } from "bun:test";
import { testCountStore } from "../contract.ts";
import { closeAll, newFolder, open, removeAll } from "./folders.ts";

setDefaultTimeout(300_000);
afterEach(closeAll);
afterAll(removeAll);

testCountStore("A durable store", (options) => open(newFolder(), { maxSongs: 100_000, ...options }));
