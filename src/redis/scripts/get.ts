import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * The counts of songs of any shards.
 *
 * ARGV: the head that the caller knows of all these shards; how many of a shard's sets count, or nothing; the ids, each with
 * that number behind it if it was not said before. KEYS: for each song its shard, and those of its sets that count. Gives a
 * word for each song, with blanks between: its count; `h` and the head that the shard has; or `e` and an error.
 */
export const GET: Script = new Script(
  SHARED +
    String.raw`
local words, at = {}, 1
local head, same = ARGV[1], ARGV[2]
local step = same == '' and 2 or 1
for i = 3, #ARGV, step do
  local key, id = KEYS[at], ARGV[i]
  local sets = tonumber(step == 1 and same or ARGV[i + 1])
  local found = redis.pcall('HMGET', key, HEAD, id)
  local word
  if found.err then word = 'e' .. string.match(found.err, '%S+')
  elseif (found[1] or '') ~= head and string.match(found[1] or '', '^[^!]*') ~= head then
    word = 'h' .. (found[1] or '')
  elseif sets == 0 then word = found[2] or '0'
  else
    local count = tonumber(found[2] or 0)
    for set = at + 1, at + sets do count = count + tonumber(call('HGET', KEYS[set], id) or 0) end
    word = digits(count)
  end
  words[#words + 1] = word
  at = at + 1 + sets
end
return table.concat(words, ' ')
`,
  { writes: false },
);
