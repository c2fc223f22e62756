-- The beginning of every script: names that they share. README.md explains shards, sets, heads and clocks.
local call, try, format = redis.call, redis.pcall, string.format
local MAX = 9007199254740991
-- The verb says what to do. Redis reads one argument in JSON faster than an argument for each song.
local verb, request = ARGV[1], cjson.decode(ARGV[2])

-- Fields of a shard beside its songs; no UTF-8 begins with this byte. Its head is
-- `epoch:newest:kept:dropped:sets`.
local HEAD, SONGS, CHANGES = '\255h', '\255s', '\255v'
local NO_HEAD = '0:0:0:0:' -- of a shard that has none yet

-- The format of whole numbers. `%d` is faster, but has 32 bits on some machines.
local WHOLE = format('%d', MAX) == '9007199254740991' and '%d' or '%.0f'
local function digits(n) return format(WHOLE, n) end

-- Returns the microseconds since 1970.
local function micros()
  local now = call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

-- Reads the numbers of songs of a shard: `open`, and for each set in `own` the songs of which it is the
-- newest to have any; 0 for an acknowledged one. So `all` has each song once, except those of that set only.
local function readSongs(key)
  local songs = { open = 0, own = {}, all = 0 }
  for number in string.gmatch(call('HGET', key, SONGS) or '0', '%d+') do
    table.insert(songs.own, tonumber(number))
    songs.all = songs.all + number
  end
  songs.open = table.remove(songs.own, 1) or 0
  return songs
end

-- Writes them with the head. The text is long enough that Redis, with its default settings, makes a table of
-- the hash: it would look through a list of up to 128 fields for each song.
local function writeSongs(key, songs, head)
  local numbers = { digits(songs.open) }
  for _, own in ipairs(songs.own) do table.insert(numbers, digits(own)) end
  call('HSET', key, HEAD, head, SONGS, format('%-65s', table.concat(numbers, ':')))
end

-- Returns the first word of an error of Redis, `ERR` for a value that is no number.
local function codeOf(reply) return string.match(type(reply) == 'table' and reply.err or 'ERR', '%S+') end
