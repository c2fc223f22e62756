-- Seals the open fold of one shard, acknowledges a fold, or clears the shard. Idempotent, however late it
-- comes: an epoch that has passed, or a fold that is sealed or acknowledged already, changes nothing.
--
-- KEYS: the shard and its sets; to seal, one more for the new set.
-- Request of `seal`, `acknowledge` or `clear`: the `head` that the caller knows; the `epoch`, when clearing
-- the one that begins; the `fold`; the fold to be `dropped`, with all older ones; the growth of the changes.
-- Returns `done` or, if the caller has to try again, `stale`, and the current head.
local epoch, fold, dropped = request.epoch, request.fold, request.dropped
local key, act = KEYS[1], {}
local text = call('HGET', key, HEAD) or NO_HEAD
local numbers, list = string.match(text, '^(.*):(.*)$')
local head, sets = {}, {}
for number in string.gmatch(numbers, '%d+') do head[#head + 1] = tonumber(number) end
for set in string.gmatch(list, '%d+') do sets[#sets + 1] = set end
local EPOCH, NEWEST, KEPT, DROPPED = 1, 2, 3, 4
local songs = readSongs(key)

function act.seal()
  head[EPOCH], head[NEWEST] = epoch, fold
  if songs.open == 0 then return end
  local changes, set = call('HGET', key, CHANGES), KEYS[#KEYS]
  call('RENAME', key, set)
  call('HDEL', set, HEAD, SONGS, CHANGES)
  call('HSET', key, CHANGES, changes or 0)
  table.insert(sets, digits(fold))
  table.insert(songs.own, songs.open)
  songs.open, songs.isChanged = 0, true
end

-- A shard that has lost everything knows neither the fold nor an earlier clear.
function act.acknowledge()
  head[EPOCH], head[NEWEST] = epoch, math.max(head[NEWEST], fold)
  head[KEPT], head[DROPPED] = fold, math.max(head[DROPPED], dropped)
  for set = 2, #KEYS do
    if tonumber(sets[1]) > dropped then break end
    table.remove(sets, 1)
    table.remove(songs.own, 1)
    call('UNLINK', KEYS[set])
  end
  -- The kept fold takes no room from new songs.
  if tonumber(sets[1] or MAX) <= fold then songs.own[1] = 0 end
  songs.isChanged = true
end

-- While its slot is moved, a key that is gone belongs to the other server: the next attempt clears it there.
function act.clear()
  local changes = call('HGET', key, CHANGES) or 0
  call('UNLINK', unpack(KEYS))
  head, sets = { epoch, 0, 0, 0 }, {}
  return type(try('HSET', key, CHANGES, changes)) ~= 'table'
end

if verb == 'clear' and head[EPOCH] >= epoch or head[EPOCH] > epoch
  or verb == 'seal' and head[NEWEST] >= fold or verb == 'acknowledge' and head[KEPT] >= fold then
  return { 'done', text }
end
if text ~= request.head then return { 'stale', text } end
if act[verb]() == false then return { 'stale', NO_HEAD } end
for at, number in ipairs(head) do head[at] = digits(number) end
text = table.concat(head, ':') .. ':' .. table.concat(sets, ',')
if songs.isChanged then writeSongs(key, songs, text) else call('HSET', key, HEAD, text) end
call('HINCRBY', key, CHANGES, request.change)
return { 'done', text }
