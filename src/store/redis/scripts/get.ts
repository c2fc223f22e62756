import { KNOWN } from "./generation.ts";
import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * The counts of songs of any shards.
 *
 * ARGV: the generation that the caller knows, or nothing; the head that he knows of all these shards; how many of a shard's
 * sets count, or nothing; the ids, each with that number behind it if it was not said before. KEYS: that of the generation
 * if he knows one; and for each song its shard, and those of its sets that count. Gives nothing if the generation is another
 * one; or a word for each song, with blanks between: its count; `h` and the head that the shard has; or `e` and an error.
 */
export const GET: Script = new Script(
  SHARED +
    KNOWN +
    String.raw`
local words, at = {}, firstKey
local head, same = ARGV[2], ARGV[3]
local step = same == '' and 2 or 1

-- What the open fold has of a song; or nothing, and a word that says why.
local function look(key, id)
  if areKnown then
    local plays = redis.pcall('HGET', key, id)
    if type(plays) ~= 'table' then return plays or '0' end
    return nil, 'e' .. string.match(plays.err, '%S+')
  end
  local found = redis.pcall('HMGET', key, HEAD, id)
  if found.err then return nil, 'e' .. string.match(found.err, '%S+') end
  local now = found[1] or ''
  if now == head or string.match(now, '^[^!]*') == head then return found[2] or '0' end
  return nil, 'h' .. now
end

for i = 4, #ARGV, step do
  local key, id = KEYS[at], ARGV[i]
  local sets = tonumber(step == 1 and same or ARGV[i + 1])
  local plays, word = look(key, id)
  if plays and sets == 0 then word = plays
  elseif plays then
    local count = tonumber(plays)
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
