import { chmod, mkdir, mkdtemp, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import jsr from "../../../jsr.json" with { type: "json" };
import { RUNTIMES } from "../../support/process.ts";
import { ROOT } from "./pages.ts";

/** A comment that states the value of the statement before it. */
const VALUE =
  /^( *)(?:const (\w+) = )?(.+); \/\/ (-?\d[\d_]*|"[^"]*"|true|false|\[.*\]|\{.*\}|new (?:Map|Set)\(.*\))$/gm;

/** Makes a folder in which `playcount` is installed, as its sources, and is a command. */
export async function createProject(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "playcount-docs-"));
  const installed = join(project, "node_modules/playcount");
  await mkdir(installed, { recursive: true });
  await symlink(join(ROOT, "src"), join(installed, "src"));
  await symlink(join(ROOT, "node_modules/@types"), join(project, "node_modules/@types"));
  const self = { name: "playcount", type: "module", exports: jsr.exports };
  await Bun.write(join(installed, "package.json"), JSON.stringify(self));
  const main = join(ROOT, "src/main.ts");
  const command = join(project, "bin/playcount");
  await Bun.write(command, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`);
  await chmod(command, 0o755);
  await symlink(process.execPath, join(project, "bin/bun"));
  const scripts = { start: `bun ${main}` };
  await Bun.write(join(project, "package.json"), JSON.stringify({ type: "module", scripts }));
  await Bun.write(
    join(project, "tsconfig.json"),
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: { noUnusedLocals: false, isolatedDeclarations: false },
      include: [".", join(ROOT, "src/store/redis/scripts/lua.d.ts")],
    }),
  );
  return project;
}

/** Returns the environment in which a page's commands find the project's. */
export function environmentOf(project: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("PLAYCOUNT_"));
  const path = `${join(project, "bin")}:${dirname(process.execPath)}:${process.env["PATH"]}`;
  return { ...(Object.fromEntries(inherited) as Record<string, string>), PATH: path };
}

/** Returns the program with its stated values as assertions. */
export function withAssertions(program: string): string {
  const checked = program.replace(VALUE, (_, indent: string, name: string | undefined, act: string, value) =>
    name === undefined
      ? `${indent}assertEqual(${act}, ${value});`
      : `${indent}const ${name} = ${act}; assertEqual(${name}, ${value});`,
  );
  return checked === program
    ? program
    : `import { deepStrictEqual as assertEqual } from "node:assert";\n${checked}`;
}

/** Returns the command that runs a program on the runtime whose adapter the program imports; default: Bun. */
export function commandOf(program: string): readonly string[] {
  if (program.includes('"playcount/deno"')) return [...RUNTIMES.deno, "--node-modules-dir=manual"];
  return program.includes('"playcount/node"') ? RUNTIMES.node : RUNTIMES.bun;
}
