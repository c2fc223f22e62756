import { COMMON } from "./common.ts";

/**
 * What scripts begin with about what is the same for all shards. That is a hash, of
 *
 * - `shards`, `writers`, `seed`, `name`: how the data is laid out, which never changes;
 * - `epoch`, `newest`, `kept`, `dropped`, `folds`: when all was cleared last, and which folds there are;
 * - `under way`: what is being done to one shard after the other, as `seal:17:0`, with the epoch. Nothing else begins
 *   until that has ended, and anybody may end it;
 * - `used`, and for each shard `granted:N` and `freed:N`: for how many songs there is no room left.
 */
export const CONTROL_SHARED: string =
  COMMON +
  String.raw`
local key = KEYS[1]
local function text(field) return call('HGET', key, field) or '' end
local function number(field) return tonumber(call('HGET', key, field) or 0) end

-- Room that shards have given back, each altogether, as pairs from an argument on: what is here already is not taken again.
local function takeBack(first)
  for at = first, #ARGV, 2 do
    local more = tonumber(ARGV[at + 1]) - number('freed:' .. ARGV[at])
    if more > 0 then
      call('HINCRBY', key, 'used', digits(-more))
      call('HSET', key, 'freed:' .. ARGV[at], ARGV[at + 1])
    end
  end
end
`;
