/**
 * Returns distinct ids that all have one hash in JavaScriptCore, whatever the four characters that they begin
 * with: the next eight make its state zero.
 */
export function craftedIds(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${n.toString(36).padStart(4, "0")}ô;\x81Ê¹ð«ÇAAAA`);
}
