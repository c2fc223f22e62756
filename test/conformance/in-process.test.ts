import { describe } from "bun:test";
import { createHandler, type HandlerOptions, ShardedStore } from "../../src/mod.ts";
import {
  cappedCases,
  CAPS,
  cases,
  GUARDED,
  guardedCases,
  JSON_FIRST,
  jsonFirstCases,
  localCases,
  MANAGER,
  TEXT_CLIENT,
} from "./cases/index.ts";
import { identify } from "./identify.ts";
import { type Subject, subjectOf } from "./subject.ts";
import { runCases } from "./suite.ts";

function inProcess(options: HandlerOptions & { maxSongs?: number }): Subject {
  const handle = identify(createHandler(new ShardedStore(options), options));
  return subjectOf("Bun/", "http://localhost", `${options.basePath ?? ""}/`, (url, init) =>
    handle(new Request(url, init)),
  );
}

describe("in process", () => {
  const subject = inProcess({});
  const capped = inProcess(CAPS);
  const guarded = inProcess(GUARDED);
  const jsonFirst = inProcess(JSON_FIRST);
  runCases({ ...cases, ...localCases }, () => subject);
  runCases(cappedCases, () => capped);
  runCases(guardedCases, () => guarded, MANAGER);
  runCases(jsonFirstCases, () => jsonFirst, TEXT_CLIENT);
});
