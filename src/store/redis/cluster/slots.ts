/** How many slots a cluster has. */
export const SLOTS = 16_384;

/** The slot of a hash tag, or of a key that has none: CRC16 (XMODEM) of its bytes. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of new TextEncoder().encode(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}

/** Which server has slots from one to another, both included. */
export interface SlotRange {
  first: number;
  last: number;
  address: string;
}

/** Reads the answer to `CLUSTER SLOTS`; `asked` is the host that was asked, which may not know its own name. */
export function readSlotRanges(reply: unknown, asked: string): SlotRange[] {
  return (reply as [number, number, [string | null, number]][]).map(([first, last, [host, port]]) => ({
    first,
    last,
    address: addressOf(host === null || host === "" || host === "?" ? asked : host, port),
  }));
}

/** `host:port`, an IPv6 address in brackets. */
function addressOf(host: string, port: number | string): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}

/** Where `MOVED slot host:port` or `ASK slot host:port` leads; the host may be missing, and is that of `asked` then. */
export function readRedirection(message: string, asked: string): string {
  const [, , where = ""] = message.split(" ");
  const [host, port] = [hostOf(where), where.slice(where.lastIndexOf(":") + 1)];
  return addressOf(host === "" || host === "?" ? hostOf(asked) : host, port);
}

/** The host of `host:port`. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
