import { createHandler, type Handler, ShardedStore } from "playcount";

let plays: Handler | undefined; // made by the first request: workerd gives out no random values before one

export default {
  fetch(request: Request): ReturnType<Handler> {
    plays ??= createHandler(new ShardedStore(), { basePath: "/plays" });
    const { pathname } = new URL(request.url);
    return pathname.startsWith("/plays/") ? plays(request) : new Response("Another page");
  },
};
