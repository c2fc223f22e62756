// Runs client.ts on a platform without what browsers and Node got after 2023, and on a page without TLS.
const YOUNG: readonly (readonly [object, readonly PropertyKey[]])[] = [
  [Promise, ["withResolvers", "try"]],
  [AbortSignal, ["any"]],
  [URL, ["parse", "canParse"]],
  [Array, ["fromAsync"]],
  [Map, ["groupBy"]],
  [Object, ["groupBy"]],
  [RegExp, ["escape"]],
  [Uint8Array, ["fromBase64", "fromHex"]],
  [Uint8Array.prototype, ["toBase64", "toHex"]],
  [Set.prototype, ["union", "intersection", "difference", "isSubsetOf", "isDisjointFrom"]],
  [
    Object.getPrototypeOf(Object.getPrototypeOf([].values())),
    ["map", "filter", "toArray", "forEach", "some"],
  ],
  [ReadableStream.prototype, ["values", Symbol.asyncIterator]],
  [Object.getPrototypeOf(crypto), ["randomUUID"]],
  [Symbol, ["dispose", "asyncDispose"]],
];

for (const [owner, names] of YOUNG)
  for (const name of names) if (name in owner) Reflect.deleteProperty(owner, name);

await import("./client.ts");
export {};
