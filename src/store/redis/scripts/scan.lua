-- Reads about `count` songs of one shard, with their plays in several sets.
--
-- KEYS: its hash, then the sets that count, in which the hash itself may be once more.
-- Request: its `head`, the number of the set that is `walked`, the `cursor` there, the `count`, and the
-- `least` plays to list.
-- Returns `head` and the current one; or `songs`, the next cursor, 0 at the end, and ids and plays in turn. A
-- song may come twice.
local walked = request.walked
local now = call('HGET', KEYS[1], HEAD) or NO_HEAD
if now ~= request.head then return { 'head', now } end
if #KEYS == 1 then return { 'songs', '0' } end
local found = call('HSCAN', KEYS[1 + walked], request.cursor, 'COUNT', request.count)
local reply, fields = { 'songs', found[1] }, found[2]
for at = 1, #fields, 2 do
  local id = fields[at]
  if string.byte(id) ~= 255 then
    local plays = tonumber(fields[at + 1])
    for set = 2, #KEYS do
      if set ~= 1 + walked then plays = plays + tonumber(call('HGET', KEYS[set], id) or 0) end
    end
    if plays >= request.least then reply[#reply + 1], reply[#reply + 2] = id, digits(plays) end
  end
end
return reply
