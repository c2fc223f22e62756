import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chownSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { connect } from "../../src/cli/fold/connect.ts";
import { lacks } from "../support/extent.ts";
import { run } from "../support/process.ts";
import { PostgresServer, query } from "./support/databases.ts";

setDefaultTimeout(300_000);

const server = new PostgresServer("postgres");
const isSkipped = server.isMissing || lacks("openssl");
const folder = mkdtempSync(join(tmpdir(), "playcount-tls-"));
let url = "";

/** Runs openssl in the folder of the certificates. */
async function openssl(...words: readonly string[]): Promise<void> {
  const { status, stderr } = await run(["openssl", ...words], {}, folder);
  if (status !== 0) throw new Error(stderr);
}

if (!isSkipped) {
  beforeAll(async () => {
    for (const name of ["authority", "other"])
      await openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        `/CN=${name}`,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.crt`,
      );
    await openssl(
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-subj",
      "/CN=db",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
      "-keyout",
      "server.key",
      "-out",
      "server.csr",
    );
    await openssl(
      "x509",
      "-req",
      "-in",
      "server.csr",
      "-CA",
      "authority.crt",
      "-CAkey",
      "authority.key",
      "-copy_extensions",
      "copy",
      "-out",
      "server.crt",
    );
    await server.start();
    for (const name of ["server.key", "server.crt"]) {
      const to = join(server.folder, "data", name);
      await Bun.write(to, Bun.file(join(folder, name)), { mode: 0o600 });
      const { uid, gid } = statSync(join(server.folder, "data"));
      if (process.getuid?.() === 0) chownSync(to, uid, gid);
    }
    url = await server.create();
    await query(url, "ALTER SYSTEM SET ssl = on");
    await query(url, "SELECT pg_reload_conf()");
  });
  afterAll(() => server.stop());
}
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns true if a connection is encrypted, or the code of the error. */
async function isEncrypted(access: Parameters<typeof connect>[1], mode = ""): Promise<unknown> {
  const client = connect(url + mode, access);
  try {
    const statement = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    return ((await client.unsafe(statement)) as { ssl: boolean }[])[0]?.ssl;
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await client.close({ timeout: 0 });
  }
}

test.skipIf(isSkipped)("the certificate of a database has to be of the given authority", async () => {
  while ((await isEncrypted({}, "?sslmode=require")) !== true) await Bun.sleep(20); // until the settings are read
  expect(await isEncrypted({ ca: join(folder, "authority.crt") })).toBe(true);
  expect(await isEncrypted({ ca: join(folder, "other.crt") })).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(await isEncrypted({}, "?sslmode=verify-full")).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(await isEncrypted({})).toBe(false); // on loopback
  expect(() => connect(url, { ca: join(folder, "none.crt") })).toThrow(/^--ca: no file /);
});

test("the certificate is verified off loopback in each mode but disable", async () => {
  const modeOf = async (url: string) => {
    const client = connect(url, {}) as unknown as {
      options: { sslMode: number; tls?: object };
      close: () => Promise<void>;
    };
    await client.close();
    const { sslMode, tls = {} } = client.options;
    return [sslMode, "rejectUnauthorized" in tls];
  };
  const [off, verifyCa, verifyFull] = [0, 3, 4]; // the modes of Bun
  const remote = "postgres://app@db.example.com/music";
  expect(await modeOf(remote)).toEqual([verifyFull, true]);
  for (const mode of ["allow", "prefer", "require", "verify-full", ""])
    expect([mode, ...(await modeOf(`${remote}?sslmode=${mode}`))]).toEqual([mode, verifyFull, true]);
  expect(await modeOf(`${remote}?sslmode=verify-ca`)).toEqual([verifyCa, true]);
  expect(await modeOf(`${remote}?sslmode=disable`)).toEqual([off, false]);
  expect(await modeOf(`${remote}?host=db.example.com`)).toEqual([verifyFull, true]);
  for (const host of ["127.evil.example", "127.0.0.1.example", "localhost.example", "[::2]", "0.0.0.0"])
    for (const scheme of ["postgres", "mysql"])
      expect([host, ...(await modeOf(`${scheme}://app@${host}/music`))]).toEqual([host, verifyFull, true]);
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "[::1]", "%2Frun%2Fpostgresql"])
    expect([host, ...(await modeOf(`postgres://app@${host}/music`))]).toEqual([host, off, false]);
});

test("a URL of a database without // is refused", () => {
  expect(() => connect("mysql:/music", {})).toThrow(/^the URL of the database needs \/\/ after its scheme$/);
});
