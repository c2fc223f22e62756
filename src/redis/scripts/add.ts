import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * Adds plays to songs of any shards, each by itself.
 *
 * KEYS: for each song its shard, and the sets of that. ARGV: for each song the head that the caller knows, the id, and the
 * plays, 1 or more. Gives a word for each song, with blanks between: its new count; `h` and the head that the shard has;
 * `r` and how many songs it has been granted, if there is no room for a new one; `o` and what the count is, if it would
 * pass 2^53 - 1; or `e` and the error that kept it from doing anything.
 *
 * Most songs have been played in the open fold, and there is no other: for those it is two commands.
 */
export const ADD: Script = new Script(
  SHARED +
    String.raw`
local words, at, changed = {}, 1, nil

-- A song of a shard with sets, or one that is new to the open fold: new is what the open fold has now.
local function settle(key, at, sets, head, id, plays, new)
  local before, kept, newest = new - plays, 0, 0
  for set = sets, 1, -1 do
    local old = tonumber(call('HGET', KEYS[at + set], id) or 0)
    if old > 0 and newest == 0 then newest = set end
    before = before + old
    if set == 1 and keepsOldest(head) then kept = old end
  end
  local isNew = new == plays
  local room = isNew and readRoom(key)
  local refusal = (before > MAX - plays and 'o' .. digits(before))
    or (isNew and newest == 0 and room.left <= 0 and 'r' .. digits(room.granted))
  if refusal then
    if isNew then call('HDEL', key, id) else call('HINCRBY', key, id, digits(-plays)) end
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

for i = 1, #ARGV, 3 do
  local key, head, id, plays = KEYS[at], ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local sets = (head == '' or string.byte(head, -1) == 58) and 0 or countSets(head)
  local now = redis.pcall('HGET', key, HEAD)
  local word
  if type(now) == 'table' then word = 'e' .. string.match(now.err, '%S+')
  elseif (now or '') ~= head then word = 'h' .. (now or '')
  else
    local new = redis.pcall('HINCRBY', key, id, plays)
    if type(new) == 'table' then word = 'e' .. string.match(new.err, '%S+')
    elseif sets == 0 and new ~= tonumber(plays) and new <= MAX then
      changed = changed or key
      word = new < 1e14 and new or digits(new)
    else word = settle(key, at, sets, head, id, tonumber(plays), new) end
  end
  words[#words + 1] = word
  at = at + 1 + sets
end
if changed then call('HINCRBY', changed, CHANGES, 1) end
return table.concat(words, ' ')
`,
  { writes: true },
);
