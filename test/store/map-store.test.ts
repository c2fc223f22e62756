import { describe, expect, test } from "bun:test";
import { MapStore } from "./map-store.ts";
import { testCountStore } from "./contract.ts";
import { delayed } from "./contract/support.ts";

testCountStore("A map store", (options) => new MapStore(options));

testCountStore("A map store whose answers come later", (options) => delayed(new MapStore(options)));

describe("A map store", () => {
  test.each([-1, 0.5, 2 ** 41, Number.NaN, Infinity])("refuses maxSongs %p", (maxSongs) => {
    expect(() => new MapStore({ maxSongs })).toThrow(RangeError);
  });
});
