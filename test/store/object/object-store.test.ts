import { testCountStore } from "../contract.ts";
import { ObjectStore } from "../../../src/store/object/object-store.ts";
import { sqliteStorage } from "./sqlite-storage.ts";

testCountStore("A store in a Durable Object", (options) => new ObjectStore(sqliteStorage(), options), {
  keepsBatchAnswers: false,
  clearsOnCondition: true,
});
