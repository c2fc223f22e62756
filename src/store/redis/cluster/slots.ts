/** Number of slots of a cluster. */
export const SLOTS = 16_384;

/** Returns the slot of a hash tag, or of a key without one: CRC16 (XMODEM) of its bytes. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of new TextEncoder().encode(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}

/** A range of slots, both ends included, and the server that owns it. */
export interface SlotRange {
  first: number;
  last: number;
  address: string;
}

/** Reads the reply of the host `asked` to `CLUSTER SLOTS`. */
export function readSlotRanges(reply: unknown, asked: string): SlotRange[] {
  return (reply as [number, number, [string | null, number]][]).map(([first, last, [host, port]]) => {
    return { first, last, address: addressOf(host, port, asked) };
  });
}

/** Returns `host:port`, with an IPv6 address in brackets. A host that is not named is `asked`. */
function addressOf(host: string | null, port: number | string, asked: string): string {
  const known = host === null || host === "" || host === "?" ? asked : host;
  return `${known.includes(":") && !known.startsWith("[") ? `[${known}]` : known}:${port}`;
}

/** Reads the address in `MOVED slot host:port` or `ASK slot host:port`, which the server at `asked` sent. */
export function readRedirection(message: string, asked: string): string {
  const [, , where = ""] = message.split(" ");
  return addressOf(hostOf(where), where.slice(where.lastIndexOf(":") + 1), hostOf(asked));
}

/** Returns the host of `host:port`. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
