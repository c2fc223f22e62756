-- KEYS: shards. Returns for each its changes, its number of songs and its head.
local reply = {}
for _, key in ipairs(KEYS) do
  reply[#reply + 1] = call('HGET', key, CHANGES) or '0'
  reply[#reply + 1] = digits(readSongs(key).all)
  reply[#reply + 1] = call('HGET', key, HEAD) or NO_HEAD
end
return reply
