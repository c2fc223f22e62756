import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopLater } from "./clean-up.ts";

/** A self-signed certificate for 127.0.0.1. */
export class Certificate {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "playcount-tls-"));

  constructor() {
    stopLater({ stop: () => rmSync(this.#folder, { recursive: true, force: true }) });
    const kind = [
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
    ];
    const names = ["-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"];
    const { exitCode, stderr } = Bun.spawnSync(
      ["openssl", "req", ...kind, ...names, "-keyout", this.#key, "-out", this.path],
      { stdout: "ignore" },
    );
    if (exitCode !== 0) throw new Error(`no certificate: ${stderr.toString()}`);
  }

  /** Path of the certificate, for the client. */
  get path(): string {
    return join(this.#folder, "certificate.pem");
  }

  get #key(): string {
    return join(this.#folder, "key.pem");
  }

  /** Returns options of a `redis-server` that listens for TLS on `port` with this certificate. */
  options(port: number): string[] {
    const files = [
      "--tls-cert-file",
      this.path,
      "--tls-key-file",
      this.#key,
      "--tls-ca-cert-file",
      this.path,
    ];
    return ["--tls-port", String(port), "--tls-auth-clients", "no", "--tls-cluster", "yes", ...files];
  }
}
