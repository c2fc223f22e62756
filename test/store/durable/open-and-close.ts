import process from "node:process";
import { openDurable } from "../../../src/store/durable/entry.ts";

/** A program that only waits for its store: nothing else keeps its process alive. */
const store = await openDurable({ data: process.argv[2] as string });
console.log((await store.add("a", 1)).count);
console.log(await store.close(10));
