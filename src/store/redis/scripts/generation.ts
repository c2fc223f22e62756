import { Script } from "./script.ts";

/**
 * What scripts begin with that add to songs, or ask for them. Their first argument is a generation, and its key is the first
 * one. If it is the one that is in force, all heads are those that the caller knows, and there is no need to look at them;
 * if it is not, nothing is done. It may be empty, with no key: then each head is looked at.
 */
export const KNOWN: string = String.raw`
local areKnown = ARGV[1] ~= ''
if areKnown and redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return false end
local firstKey = areKnown and 2 or 1
`;

/**
 * What scripts begin with that may give a shard another head. Their last argument is what is the generation behind that,
 * and the last key is where it is; or it is empty, and there is no such key.
 */
export const CHANGING: string = String.raw`
local generation = table.remove(ARGV)
local generationKey = generation ~= '' and table.remove(KEYS)

local function writeText(key, text)
  if generationKey then call('SET', generationKey, generation) end
  call('HSET', key, HEAD, text)
end

local function writeHead(key, head)
  head.text = digits(head.epoch) .. ':' .. digits(head.newest) .. ':' .. digits(head.kept) .. ':' ..
    digits(head.dropped) .. ':' .. table.concat(head.sets, ',')
  writeText(key, head.text)
end
`;

/** Gives the generation that is in force. KEYS: where it is. ARGV: what it is if there is none. */
export const GENERATION: Script = new Script(
  String.raw`
local known = redis.call('GET', KEYS[1])
if known then return known end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
`,
  { writes: true },
);
