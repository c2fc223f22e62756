import process from "node:process";

const [AF_UNIX, SOCK_DGRAM] = [1, 2];

/** The C library of glibc, and those of musl. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/**
 * Sends `state` to the supervisor that `NOTIFY_SOCKET` names (sd_notify(3)). Does nothing without it.
 * Requires Bun, whose FFI reaches the datagrams of Unix sockets, which no runtime has.
 */
export async function notifySupervisor(state: "READY=1" | "STOPPING=1"): Promise<void> {
  const name = process.env["NOTIFY_SOCKET"] ?? "";
  if (name === "") return;
  const library = await openLibrary();
  if (library === undefined) return console.error("playcount: NOTIFY_SOCKET is ignored: it requires Bun");
  const { symbols, ptr } = library;
  const message = new TextEncoder().encode(state);
  // The family in two bytes, little-endian, and the path. An abstract name, written with @, begins with a 0.
  const address = new Uint8Array([AF_UNIX, 0, ...new TextEncoder().encode(name.replace(/^@/, "\0"))]);
  const socket = symbols.socket(AF_UNIX, SOCK_DGRAM, 0);
  const sent = symbols.sendto(socket, ptr(message), message.length, 0, ptr(address), address.length);
  symbols.close(socket);
  if (Number(sent) < 0) console.error(`playcount: cannot send ${state} to NOTIFY_SOCKET`);
}

async function openLibrary() {
  if (!("Bun" in globalThis)) return undefined;
  const { dlopen, ptr } = await import("bun:ffi");
  for (const library of LIBRARIES) {
    try {
      const { symbols } = dlopen(library, {
        socket: { args: ["int", "int", "int"], returns: "int" },
        sendto: { args: ["int", "ptr", "usize", "int", "ptr", "u32"], returns: "i64" },
        close: { args: ["int"], returns: "int" },
      });
      return { symbols, ptr };
    } catch {
      // The next one.
    }
  }
  return undefined;
}
