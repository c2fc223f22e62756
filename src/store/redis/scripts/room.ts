import { CONTROL_SHARED } from "./control-shared.ts";
import { Script } from "./script.ts";

// KEYS of both: what is the same for all shards.

/**
 * Takes room for a shard. ARGV: the shard, its epoch, for how many songs it was granted room, for how many more, most
 * songs of all shards, and for how many there must be room altogether. Gives for how many songs the shard has been granted
 * room by now; `full`; `busy` if all is being cleared; `lost` if nothing is laid out any more; `behind` and the epoch, or
 * `ahead`, if the shard is, because a server has lost what came last.
 */
export const TAKE: Script = new Script(
  CONTROL_SHARED +
    String.raw`
if number('shards') == 0 then return 'lost' end
local shard, granted, most = ARGV[1], number('granted:' .. ARGV[1]), tonumber(ARGV[5])
if string.match(text('under way'), '^clear') then return 'busy' end
if number('epoch') > tonumber(ARGV[2]) then return 'behind ' .. digits(number('epoch')) end
if number('epoch') < tonumber(ARGV[2]) then return 'ahead' end
if granted > tonumber(ARGV[3]) then return digits(granted) end
local left, wanted = most - number('used'), tonumber(ARGV[4])
if left < tonumber(ARGV[6]) then return 'full' end
-- Much at once while there is much, so that it is seldom asked for, and each by itself at the end.
local more = math.max(wanted, math.floor(left / (8 * number('shards'))))
call('HINCRBY', key, 'used', digits(more))
call('HSET', key, 'granted:' .. shard, digits(granted + more))
return digits(granted + more)
`,
  { writes: true },
);

/** Takes back what shards do not use. ARGV: the epoch, and pairs of a shard and what room it has ever given back. */
export const TAKE_BACK: Script = new Script(
  CONTROL_SHARED +
    String.raw`
if number('epoch') == tonumber(ARGV[1]) then takeBack(2) end
`,
  { writes: true, frees: true },
);
