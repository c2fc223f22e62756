import text from "./probe.lua" with { type: "text" };
import { Script } from "./script.ts";

/** Writes a key that expires soon, which is its only input. */
export const PROBE: Script = new Script(text, { writes: true });
