-- Adds plays to songs: to each by itself, or to all of them or none. Or only counts them.
--
-- The songs come in parts, each of one shard. KEYS: for each part its hash, its sets, and with a writer the
-- hash of the writers that have added to it. Verbs are the modes; add.ts has them and the members of the
-- request. Plays are added first: the reply is the new count. What has to be refused is taken back.
--
-- Returns `done` or, if none was added because one has a problem, `refused`; `begun` if a shard has added the
-- request before, or nothing; the new counts, `null` for a song with a problem, none if refused or checked;
-- for each part the newest fold sealed before; and problems, each a kind, a place and details. A shard that
-- has added the request before adds nothing, and returns the current counts; with `one`, which adds one song
-- and keeps the answer, the answer.
local tonumber, unpack = tonumber, unpack -- locals are faster
local ids, plays, sizes, heads = request.ids, request.plays, request.sizes, request.heads
local after, writer, stamp = request.after, request.writer, request.stamp
local writes, isWhole = verb ~= 'check' and verb ~= 'count', verb ~= 'each' and verb ~= 'count'
-- Numbers instead of lists if all are the same. Redis takes texts faster than numbers.
local samePlays, sameSize = type(plays) == 'number' and plays, type(sizes) == 'number' and sizes
local sameText = samePlays and digits(samePlays)
local FORGOTTEN = '\255f' -- the field of the newest forgotten stamp of a writer
local SHORT = 1e14 -- smaller numbers become text without a format
local SLICE = 1000 -- fields of one command
local problems, counts, folds = {}, {}, {}
-- The parts that were added before; the numbers of songs of shards with new ones.
local isDone, songsOf = {}, {}
local isBegun, answered, changed = false, nil, nil -- the answer to an earlier attempt; a shard with a change

local function refuse(...) problems[#problems + 1] = table.concat({ ... }, ' ') end

-- Finds out if a shard has added this request before, or a later one of the same writer.
local function checkWriter(part, key)
  local found = call('HMGET', key, writer, FORGOTTEN)
  local last, fold, count = string.match(found[1] or '', '^(%d+) (%d+) ?(%d*)$')
  if last and tonumber(last) >= tonumber(stamp) then
    isDone[part], isBegun = true, true
    if last == stamp then
      folds[part] = fold
      if verb == 'one' and count ~= '' then answered = count end
    end
  elseif found[2] and tonumber(found[2]) >= tonumber(stamp) then refuse('forgotten', part - 1) end
end

-- Returns true if a part is as the caller knows it.
local function check(part, head, at)
  local current = try('HGET', KEYS[at], HEAD) or NO_HEAD
  if current ~= head.text then
    if current.err then return refuse('broken', part - 1, codeOf(current)) end
    return refuse('head', part - 1, current)
  end
  if after and after < head.dropped then return refuse('dropped', part - 1, digits(head.dropped)) end
  if writer then checkWriter(part, KEYS[at + 1 + #head.counted]) end
  return true
end

-- Reads the plays of a part's songs in a hash; false if it cannot be read.
local function look(part, key, first, last)
  local all = {}
  for from = first, last, SLICE do
    local some = try('HMGET', key, unpack(ids, from, math.min(from + SLICE - 1, last)))
    if some.err then return refuse('broken', part - 1, codeOf(some)) or false end
    for at, found in ipairs(some) do
      local number = tonumber(found or 0)
      if not number then return refuse('broken', part - 1, 'ERR') or false end
      all[from - first + at] = number
    end
  end
  return all
end

-- Reads the sets: of each song all plays, those that count, and the newest set with any that count.
local function lookAtSets(part, head, at, first, last)
  local all, counted, newest = {}, {}, {}
  for set, isCounted in ipairs(head.counted) do
    local found = look(part, KEYS[at + set], first, last)
    if not found then return false end
    for n = 1, last - first + 1 do
      local sealed = found[n]
      all[n] = (all[n] or 0) + sealed
      if isCounted then counted[n] = (counted[n] or 0) + sealed end
      if isCounted and sealed > 0 then newest[n] = set end
    end
  end
  return { all = all, counted = counted, newest = newest }
end

-- Notes that a song is new to the open fold. Returns false if it is new to a shard that is full.
local function open(key, head, newest)
  local songs = songsOf[key] or readSongs(key)
  if not newest and songs.all >= request.cap then return false end
  if newest then songs.own[newest] = songs.own[newest] - 1 else songs.all = songs.all + 1 end
  songs.open = songs.open + 1
  songs.head, songsOf[key] = head.text, songs
  return true
end

local function undo(id, key, more)
  local before = call('HINCRBY', key, id, digits(-more))
  if before == 0 then call('HDEL', key, id) end
  return before
end

-- Settles a song of a shard with sets, a new song, or one with too many plays: `new` with the added ones,
-- `old` without, if none were written yet. Returns the new count, or nothing for a problem.
local function settle(song, key, head, more, new, old, sealed, counted, newest)
  if new + sealed > MAX or new == more and more > 0 and not open(key, head, newest) then
    local before = old or undo(ids[song], key, more) -- `new` is not exact above MAX
    if new + sealed <= MAX then return refuse('full', song - 1) end
    return refuse('overflow', song - 1, digits(before + counted), digits(sealed - counted))
  end
  return digits(new + counted)
end

-- Adds to the songs of a part. Without sets, a song of the open fold takes one command.
local function addPart(part, head, at, first, last)
  local key, none = KEYS[at], isDone[part]
  local sets = head.counted[1] ~= nil and lookAtSets(part, head, at, first, last)
  local read = not writes and look(part, key, first, last)
  if head.counted[1] ~= nil and not sets or not writes and not read then return end
  for song = first, last do
    local n, more = song - first + 1, none and 0 or samePlays or plays[song]
    local new, old
    if writes and more > 0 then new = try('HINCRBY', key, ids[song], sameText or digits(more))
    else
      old = read and read[n] or tonumber(call('HGET', key, ids[song]) or 0)
      new = old and old + more
    end
    if type(new) ~= 'number' then
      if new and codeOf(new) ~= 'ERR' then call('HINCRBY', key, ids[song], 0) end -- fails, as on a replica
      refuse('broken', part - 1, 'ERR')
    else
      local count = new
      if sets then
        count = settle(song, key, head, more, new, old, sets.all[n], sets.counted[n] or 0, sets.newest[n])
      elseif new == more or new >= SHORT then count = settle(song, key, head, more, new, old, 0, 0) end
      counts[song] = answered or count
      if more > 0 and count then changed = key end
    end
  end
end

local function undoPart(part, _, at, first, last)
  for song = first, last do
    local more = isDone[part] and 0 or samePlays or plays[song]
    if counts[song] and more > 0 then undo(ids[song], KEYS[at], more) end
  end
end

-- Remembers the last request of a writer. Forgets the oldest of too many, and remembers the newest forgotten
-- stamp.
local function remember(part, head, at)
  if isDone[part] then return end
  local key, most = KEYS[at + 1 + #head.counted], request.writers
  call('HSET', key, writer, stamp .. ' ' .. folds[part] .. (verb == 'one' and ' ' .. counts[1] or ''))
  if call('HLEN', key) <= 2 * most then return end
  local all, stamps = call('HGETALL', key), {}
  for field = 1, #all, 2 do
    if all[field] ~= FORGOTTEN then stamps[#stamps + 1] = tonumber(string.match(all[field + 1], '^%d+')) end
  end
  table.sort(stamps)
  local newest = stamps[#stamps - most]
  for field = 1, #all, 2 do
    local last = tonumber(string.match(all[field + 1], '^%d+'))
    if all[field] ~= FORGOTTEN and last <= newest then call('HDEL', key, all[field]) end
  end
  call('HSET', key, FORGOTTEN, digits(newest))
end

-- Calls `act` with each part, its head, the place of its first key, and those of its first and its last song.
local function eachPart(act)
  local at, last = 1, 0
  for part = 1, sameSize and #ids / sameSize or #sizes do
    local head, first = heads[part] or heads[1], last + 1
    last = last + (sameSize or sizes[part])
    act(part, head, at, first, last)
    at = at + 1 + #head.counted + (writer and 1 or 0)
  end
end

eachPart(function(part, head, at, first, last)
  folds[part] = head.newest
  if check(part, head, at) and not isWhole then addPart(part, head, at, first, last) end
end)
if isWhole and #problems == 0 then eachPart(addPart) end
local isRefused = isWhole and #problems > 0
if isRefused and writes then eachPart(undoPart)
elseif writes then
  for key, songs in pairs(songsOf) do writeSongs(key, songs, songs.head) end
  if writer then eachPart(remember) end
  -- A change also where all was added before, so that WAIT waits for those plays.
  changed = changed or isBegun and KEYS[1]
  if changed then call('HINCRBY', changed, CHANGES, request.change) end
end
if isRefused or verb == 'check' then counts = {}
elseif #problems > 0 then
  for song = 1, #ids do counts[song] = counts[song] or 'null' end
end
local reply = { isRefused and 'refused' or 'done', isBegun and 'begun' or '' }
reply[3], reply[4] = table.concat(counts, ','), table.concat(folds, ',')
for _, problem in ipairs(problems) do reply[#reply + 1] = problem end
return reply
