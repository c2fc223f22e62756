import { KNOWN } from "./generation.ts";
import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * Adds plays to songs of any shards, each by itself.
 *
 * ARGV: the generation that the caller knows, or nothing; the head that he knows of all these shards; the plays of each
 * song, 1 or more, or nothing; the ids, each with its plays behind it if they were not said before. KEYS: that of the
 * generation if he knows one; and for each song its shard, and the sets of that. Gives nothing if the generation is another
 * one; or a word for each song, with blanks between: its new count; `h` and the head that the shard has; `r` and how many
 * songs it has been granted, if there is no room for a new one; `o` and what the count is, if it would pass 2^53 - 1; or
 * `e` and the error that kept it from doing anything.
 *
 * Most songs have been played in the open fold, and there is no other: for those it is one command, or two with a look at
 * the head.
 */
export const ADD: Script = new Script(
  SHARED +
    KNOWN +
    String.raw`
local words, at, changed, pcall = {}, firstKey, nil, redis.pcall
local head, same = ARGV[2], ARGV[3]

-- A word that says that a shard has another head, or cannot be read; nothing if it can be added to.
local function refuse(key)
  local now = pcall('HGET', key, HEAD)
  if type(now) == 'table' then return 'e' .. string.match(now.err, '%S+') end
  if (now or '') ~= head then return 'h' .. (now or '') end
end

-- A song of a shard with sets, or one that is new to the open fold: new is what the open fold has now.
local function settle(key, at, sets, id, plays, new)
  local before, kept, newest = new - plays, 0, 0
  local failure = areKnown and refuse(key) -- it may be one that was lost, with its head
  for set = sets, 1, -1 do
    local old = pcall('HGET', KEYS[at + set], id)
    if type(old) == 'table' then failure, old = 'e' .. string.match(old.err, '%S+'), 0 end
    old = tonumber(old or 0)
    if old > 0 and newest == 0 then newest = set end
    before = before + old
    if set == 1 and keepsOldest(head) then kept = old end
  end
  local isNew = new == plays
  local room = isNew and readRoom(key)
  local refusal = failure or (before > MAX - plays and 'o')
    or (isNew and newest == 0 and room.left <= 0 and 'r' .. digits(room.granted))
  if refusal then
    if isNew then call('HDEL', key, id) else call('HINCRBY', key, id, digits(-plays)) end
    -- What it was before is exact only now.
    if refusal == 'o' then return 'o' .. digits(before - new + plays + tonumber(call('HGET', key, id) or 0)) end
    return refusal
  end
  if isNew then
    room.open = room.open + 1
    if newest > 0 then room.own[newest] = room.own[newest] - 1 end
    writeRoom(key, room)
  end
  changed = changed or key
  return digits(before - kept + plays)
end

local sets = countSets(head)
local step = same == '' and 2 or 1
local plays, number = same, tonumber(same)
for i = 4, #ARGV, step do
  local key, id = KEYS[at], ARGV[i]
  if step == 2 then plays, number = ARGV[i + 1], tonumber(ARGV[i + 1]) end
  local word = not areKnown and refuse(key)
  if not word then
    local new = pcall('HINCRBY', key, id, plays)
    if type(new) == 'table' then
      word = refuse(key) or string.match(new.err, 'not an integer') and 'eERR'
      if not word then return new end -- a server that takes nothing, and has not taken what came before
    elseif sets == 0 and new < 1e14 and new ~= number then
      changed = changed or key
      word = new
    else word = settle(key, at, sets, id, number, new) end
  end
  words[#words + 1] = word
  at = at + 1 + sets
end
if changed then touch(changed) end
return table.concat(words, ' ')
`,
  { writes: true },
);
