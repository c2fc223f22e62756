import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCounts } from "../support/counts.ts";
import { end, serve } from "./server.ts";
import { newPath } from "./work-folder.ts";

/** The files of a folder, by name. */
export type Files = Map<string, Buffer>;

/** A folder left by a server, and the server's last replies. */
export interface Specimen {
  folder: string;
  files: Files;
  answers: unknown;
}

/** The end of a server: its last request, and a signal. */
export interface Ending {
  last: readonly [method: string, path: string];
  signal: "SIGTERM" | "SIGKILL";
}

const KEYED = { method: "POST", headers: { "idempotency-key": '"writer:7"' } };

/** Makes a folder with songs and folds. The server replied to all requests before its end. */
export async function makeSpecimen({ last: [method, path], signal }: Ending): Promise<Specimen> {
  const folder = newPath();
  const server = await serve(folder);
  const { url } = server;
  const post = (id: string) => fetch(`${url}song/${id}`, { method: "POST" });
  await Promise.all(Array.from({ length: 200 }, (_, song) => post(`song-${song}`)));
  for (let fold = 1; fold <= 3; fold++) {
    for (let song = 0; song < 10; song++) await post(`fold-${fold}-${song}`);
    await fetch(`${url}folds/${fold}`, { method: "PUT" });
  }
  await fetch(`${url}folds/1`, { method: "DELETE" });
  await fetch(`${url}song/keyed`, KEYED);
  for (let song = 0; song < 50; song++) await post(`song-${song}`);
  await fetch(`${url}${path}`, { method });
  const answers = await answersOf(url);
  await end(server, signal);
  return { folder, files: filesOf(folder), answers };
}

/** Reads all counts of a server, and its reply to a retried request. */
export async function answersOf(url: string): Promise<unknown> {
  const again = await (await fetch(`${url}song/keyed`, KEYED)).text();
  const paths = ["", "folds/1", "folds/2", "folds/3", "folds/4"];
  const counts = paths.map(async (path) => {
    const answer = await fetch(url + path);
    return answer.ok ? readCounts(await answer.text()) : await answer.text();
  });
  const folds = await (await fetch(`${url}folds`)).text();
  return { again, folds, counts: await Promise.all(counts) };
}

/** Copies a folder, and returns the copy's path. */
export function copyOf(folder: string): string {
  const copy = newPath();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

/** Reads the files of a folder. */
export function filesOf(folder: string): Files {
  return new Map(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))]),
  );
}
