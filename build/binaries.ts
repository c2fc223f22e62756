import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };

// Compiles the program for each platform, with its sums and its bill of materials: bun run build:binary.
// `--outdir DIR` writes to another folder than `binaries`, and names of platforms build those alone.

const ROOT = join(import.meta.dir, "..");

/** Names of platforms, and those of Bun for them. Bun fetches its runtime for another platform from npm. */
const PLATFORMS: Readonly<Record<string, Bun.Build.CompileTarget>> = {
  "linux-x64": "bun-linux-x64",
  "linux-x64-musl": "bun-linux-x64-musl",
  "linux-arm64": "bun-linux-arm64",
  "linux-arm64-musl": "bun-linux-arm64-musl",
  "macos-x64": "bun-darwin-x64",
  "macos-arm64": "bun-darwin-arm64",
  "windows-x64": "bun-windows-x64",
};

const { folder, platforms } = readArguments();
mkdirSync(folder, { recursive: true });
const sums: { file: string; sum: string }[] = [];
for (const platform of platforms) {
  const file = await compile(platform);
  const bytes = readFileSync(join(folder, file));
  sums.push({ file, sum: createHash("sha256").update(bytes).digest("hex") });
}
writeFileSync(join(folder, "SHA256SUMS"), sums.map(({ file, sum }) => `${sum}  ${file}\n`).join(""));
writeFileSync(
  join(folder, `playcount-${manifest.version}.cdx.json`),
  `${JSON.stringify(billOfMaterials(), null, 2)}\n`,
);

function readArguments(): { folder: string; platforms: string[] } {
  const { values, positionals } = parseArgs({
    options: { outdir: { type: "string", default: join(ROOT, "binaries") } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !(name in PLATFORMS));
  if (unknown !== undefined) {
    console.error(`"${unknown}" is no platform; expected are ${Object.keys(PLATFORMS).join(", ")}`);
    process.exit(2);
  }
  return { folder: values.outdir, platforms: positionals.length > 0 ? positionals : Object.keys(PLATFORMS) };
}

/** Compiles the program for a platform, and returns the name of its file. */
async function compile(platform: string): Promise<string> {
  const file = `playcount-${manifest.version}-${platform}${platform.startsWith("windows") ? ".exe" : ""}`;
  console.log(file);
  await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts")],
    compile: {
      target: PLATFORMS[platform] as Bun.Build.CompileTarget,
      outfile: join(folder, file),
      autoloadDotenv: false, // the folder that it is started in must not change it
      autoloadBunfig: false,
    },
  });
  return file;
}

/** Returns the bill of materials in CycloneDX 1.6: the programs, and the runtime in them. */
function billOfMaterials(): object {
  const { name, version, description, license } = manifest;
  const licenses = [{ license: { id: license } }];
  const bun = { version: Bun.version, purl: `pkg:npm/bun@${Bun.version}` };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        ...{ type: "application", "bom-ref": name, name, version, description, licenses },
        purl: `pkg:npm/${name}@${version}`,
        components: sums.map(({ file, sum }) => ({
          ...{ type: "file", name: file, version },
          hashes: [{ alg: "SHA-256", content: sum }],
        })),
      },
    },
    components: [{ type: "platform", "bom-ref": "bun", name: "bun", ...bun, licenses }],
    dependencies: [{ ref: name, dependsOn: ["bun"] }, { ref: "bun" }],
  };
}
