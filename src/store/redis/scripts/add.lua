-- Adds plays to songs of some shards: to all of them or to none, or to each by itself. Or only counts.
--
-- KEYS: for each shard its hash, its sets, and with a writer the hash of the writers that have added to it.
-- ARGV: `each`, `check`, `add`, `one` or `count`; the fold after which plays count, or nothing for the newest
-- acknowledged one; a number by which the changes grow; the largest number of songs of a shard; a writer,
-- the stamp of its request, or two empty ones; how many writers a shard remembers; the number of
-- songs of each shard; the head of each shard, or a single one of all; the plays of
-- all songs, or nothing; the ids; and their plays if they differ.
--
-- Returns `refused`, if a song of `check` or `add` has a problem, or `done`; `begun` if a shard has added
-- the request before, or nothing; the new counts, `-` for a song with a problem; for each shard the newest
-- fold sealed before; and a list of problems. A shard that has added the request before adds nothing, and
-- returns the current counts; with `one`, which adds one song and keeps the answer, the answer.
local mode, after, cap, writer, stamp = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
local samePlays = tonumber(ARGV[10]) -- nil: they differ
-- The argument before the first id, values of one command, the field of the newest forgotten stamp.
local IDS, SLICE, FORGOTTEN = 10, 1000, '\255f'
local total = samePlays and #ARGV - IDS or (#ARGV - IDS) / 2
local problems, counts, folds, changes, songsOf, isDone, isBegun = {}, {}, {}, {}, {}, {}, false
local answered -- the first answer to a request for one song
local keeps = mode == 'one'
if keeps then mode = 'add' end

local function refuse(...) problems[#problems + 1] = table.concat({ ... }, ' ') end

-- Reads from a head the newest and the dropped fold, and of each set if it counts.
local shapes = {}
local function shapeOf(head)
  local newest, kept, dropped, list = string.match(head, '^%d+:(%d+):(%d+):(%d+):(.*)$')
  local shape = { head = head, newest = newest, dropped = tonumber(dropped) }
  for fold in string.gmatch(list, '%d+') do
    shape[#shape + 1] = tonumber(fold) > (after or tonumber(kept))
  end
  shapes[head] = shape
  return shape
end

-- The parts, one for each shard: the number of songs, the shape of the head, the place of the first key, and
-- the number of songs of the parts before.
local sizes, heads, keys, songsBefore = {}, {}, {}, {}
for size in string.gmatch(ARGV[8], '%d+') do sizes[#sizes + 1] = tonumber(size) end
for head in string.gmatch(ARGV[9], '%S+') do heads[#heads + 1] = shapes[head] or shapeOf(head) end
local nextKey, nextSong = 1, 0
for part = 1, #sizes do
  heads[part] = heads[part] or heads[1]
  keys[part], songsBefore[part] = nextKey, nextSong
  nextKey = nextKey + 1 + #heads[part] + (writer ~= '' and 1 or 0)
  nextSong = nextSong + sizes[part]
end

-- Reads the head and the plays of a part's songs in a hash; nil if it cannot be read.
local function look(part, key, first)
  local n = sizes[part]
  local all = try('HMGET', key, HEAD, unpack(ARGV, first, first + math.min(n, SLICE) - 1))
  if all.err then return refuse('broken', part - 1, string.match(all.err, '%S+')) end
  for from = SLICE, n - 1, SLICE do
    local some = call('HMGET', key, unpack(ARGV, first + from, first + math.min(from + SLICE, n) - 1))
    for _, plays in ipairs(some) do all[#all + 1] = plays end
  end
  return all
end

-- Reads the sets: of each song all plays, those that count, and the newest set with any that count.
local function lookAtSets(part, first)
  local all, counted, newest = {}, {}, {}
  for set, isCounted in ipairs(heads[part]) do
    local found = look(part, KEYS[keys[part] + set], first)
    if not found then return end
    for n = 1, sizes[part] do
      local plays = tonumber(found[n + 1] or 0)
      all[n] = (all[n] or 0) + plays
      if isCounted then counted[n] = (counted[n] or 0) + plays end
      if isCounted and plays > 0 then newest[n] = set end
    end
  end
  return { all = all, counted = counted, newest = newest }
end

-- Finds out if a shard has added this request before, or a later one of the same writer.
local function checkWriter(part)
  local found = call('HMGET', KEYS[keys[part] + 1 + #heads[part]], writer, FORGOTTEN)
  local last, fold, count = string.match(found[1] or '', '^(%d+) (%d+) ?(%d*)$')
  if last and tonumber(last) >= tonumber(stamp) then
    isDone[part], isBegun = true, true
    if last == stamp then
      folds[part] = fold
      if keeps and count ~= '' then answered = count end
    end
  elseif found[2] and tonumber(found[2]) >= tonumber(stamp) then refuse('forgotten') end
end

-- Notes that a song is new to the open fold. Returns false if it is new to a shard that is full.
local function open(part, newest)
  local songs = songsOf[part] or readSongs(KEYS[keys[part]])
  if not newest and songs.all >= cap then return false end
  if newest then songs.own[newest] = songs.own[newest] - 1 else songs.all = songs.all + 1 end
  songs.open = songs.open + 1
  songsOf[part] = songs
  return true
end

-- Computes the new plays and counts of a part, and notes its problems.
local function check(part)
  local shape, before, first = heads[part], songsBefore[part], IDS + 1 + songsBefore[part]
  local found = look(part, KEYS[keys[part]], first)
  if not found then return end
  local head = found[1] or NO_HEAD
  if head ~= shape.head then return refuse('head', part - 1, head) end
  if after and after < shape.dropped then return refuse('dropped', part - 1, shape.dropped) end
  local sets = shape[1] ~= nil and lookAtSets(part, first)
  if sets == nil then return end
  if writer ~= '' then checkWriter(part) end
  for n = 1, sizes[part] do
    local song, old = before + n, found[n + 1]
    local plays = isDone[part] and 0 or samePlays or tonumber(ARGV[IDS + total + song])
    local now, sealed = tonumber(old or 0), sets and sets.all[n] or 0
    local counted = sets and sets.counted[n] or 0
    if not now then refuse('broken', part - 1, 'ERR')
    elseif now + sealed > MAX - plays then
      refuse('overflow', song - 1, digits(now + counted), digits(sealed - counted))
    elseif now == 0 and plays > 0 and not open(part, sets and sets.newest[n]) then refuse('full', song - 1)
    else
      local text = old or '0'
      if plays > 0 then
        text = digits(now + plays)
        changes[song] = text
      end
      counts[song] = answered or sets and digits(now + plays + counted) or text
    end
  end
end

-- Remembers the last request of a writer. Forgets the oldest of too many, and remembers the newest forgotten
-- stamp.
local function remember(part)
  local key, most = KEYS[keys[part] + 1 + #heads[part]], tonumber(ARGV[7])
  call('HSET', key, writer, stamp .. ' ' .. folds[part] .. (keeps and ' ' .. counts[1] or ''))
  if call('HLEN', key) <= 2 * most then return end
  local all, stamps = call('HGETALL', key), {}
  for at = 1, #all, 2 do
    if all[at] ~= FORGOTTEN then stamps[#stamps + 1] = tonumber(string.match(all[at + 1], '^%d+')) end
  end
  table.sort(stamps)
  local newest = stamps[#stamps - most]
  for at = 1, #all, 2 do
    local last = tonumber(string.match(all[at + 1], '^%d+'))
    if all[at] ~= FORGOTTEN and last <= newest then call('HDEL', key, all[at]) end
  end
  call('HSET', key, FORGOTTEN, digits(newest))
end

-- Returns true if something has changed.
local function add(part)
  local key, before, fields = KEYS[keys[part]], songsBefore[part], {}
  if songsOf[part] then writeSongs(key, songsOf[part], heads[part].head) end
  for song = before + 1, before + sizes[part] do
    if changes[song] then fields[#fields + 1], fields[#fields + 2] = ARGV[IDS + song], changes[song] end
  end
  for from = 1, #fields, SLICE do
    call('HSET', key, unpack(fields, from, math.min(from + SLICE - 1, #fields)))
  end
  if writer ~= '' and not isDone[part] then remember(part) end
  return #fields > 0
end

for part = 1, #sizes do
  folds[part] = heads[part].newest
  check(part)
end
for song = 1, total do counts[song] = counts[song] or '-' end
local isRefused = #problems > 0 and (mode == 'check' or mode == 'add')
if not isRefused and (mode == 'each' or mode == 'add') then
  -- A change also where all was added before, so that WAIT waits for those plays.
  local changed = isBegun and KEYS[1]
  for part = 1, #sizes do
    if add(part) then changed = changed or KEYS[keys[part]] end
  end
  if changed then call('HINCRBY', changed, CHANGES, ARGV[3]) end
end
local reply = { isRefused and 'refused' or 'done', isBegun and 'begun' or '' }
reply[3], reply[4] = table.concat(counts, ' '), table.concat(folds, ' ')
for at = 1, math.min(#problems, SLICE) do reply[at + 4] = problems[at] end
return reply
