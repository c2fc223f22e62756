import { serve } from "playcount/node";
import consumer from "./consumer.ts";

const server = await serve(consumer.fetch, { host: "127.0.0.1", port: 0 });
console.log(`Listening on ${server.url}`);
