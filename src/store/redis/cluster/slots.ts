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

/** Reads the reply to `CLUSTER SLOTS`. `asked` is the host that sent it, which may not know its own name. */
export function readSlotRanges(reply: unknown, asked: string): SlotRange[] {
  return (reply as [number, number, [string | null, number]][]).map(([first, last, [host, port]]) => ({
    first,
    last,
    address: addressOf(host === null || host === "" || host === "?" ? asked : host, port),
  }));
}

/** Returns `host:port`, with an IPv6 address in brackets. */
function addressOf(host: string, port: number | string): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}

/** Reads the address in `MOVED slot host:port` or `ASK slot host:port`. Default host: that of `asked`. */
export function readRedirection(message: string, asked: string): string {
  const [, , where = ""] = message.split(" ");
  const [host, port] = [hostOf(where), where.slice(where.lastIndexOf(":") + 1)];
  return addressOf(host === "" || host === "?" ? hostOf(asked) : host, port);
}

/** Returns the host of `host:port`. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
