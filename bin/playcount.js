#!/usr/bin/env node
// The command of the package. A checkout that is not built lacks dist.
import { existsSync } from "node:fs";
import process from "node:process";

if (existsSync(new URL("../dist/main.js", import.meta.url))) {
  await import("../dist/main.js");
} else {
  console.error("playcount: this checkout is not built; start it by npm start, or build it by npm run build");
  process.exitCode = 1;
}
