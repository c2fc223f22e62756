import createClient from "openapi-fetch";
import type { paths } from "./playcount.d.ts";

const { POST, PUT, DELETE } = createClient<paths, `application/${string}`>({
  baseUrl: process.env["PLAYCOUNT_URL"] ?? "http://localhost:8000",
});
const song = { params: { path: { id: "42" } } };
const fold = { params: { path: { fold: 1 } } };

const played = await POST("/song/{id}", song);
console.log(played.data?.count);
const added = await POST("/song/{id}", { ...song, body: 2 ** 40 });
console.log(added.data?.count);
const batch = await POST("/batch", { body: { "42": 1, "a/b": 2 } });
console.log(batch.data?.["a/b"]);

const sealed = await PUT("/folds/{fold}", { ...fold, body: "plays-to-db" });
console.log(sealed.data?.["a/b"]); // store the fold in the database before the next request
const done = await DELETE("/folds/{fold}", fold);
console.log(done.data?.status);

const refused = await POST("/song/{id}", { ...song, body: Number.MAX_SAFE_INTEGER });
console.log(refused.error?.type);
