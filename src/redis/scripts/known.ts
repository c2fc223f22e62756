/**
 * What scripts go on with whose first argument is a generation. If it is the one that is in force, all heads are those that
 * the caller knows, and there is no need to look at them; without one they are looked at.
 */
export const KNOWN: string = String.raw`
local areKnown = ARGV[1] ~= ''
if areKnown and (call('GET', KEYS[1]) or '0') ~= ARGV[1] then return false end
local firstKey = areKnown and 2 or 1
`;
