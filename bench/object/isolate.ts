import { createHandler, type Handler, ShardedStore } from "../../src/mod.ts";

let handler: Handler | undefined;

// The handler alone on workerd, with counts in the memory of its isolate.
export default {
  fetch(request: Request): ReturnType<Handler> {
    handler ??= createHandler(new ShardedStore(), { trustsLength: true });
    return handler(request);
  },
};
