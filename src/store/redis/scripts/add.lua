-- Adds plays to songs of some shards: to all of them or to none, or to each by itself. Or only counts.
--
-- KEYS: for each shard its hash, its sets, and with a writer the hash of the writers that have added to it.
-- Verbs are the modes; add.ts has them and the members of the request.
--
-- Returns `refused`, if a song of `check` or `add` has a problem, or `done`; `begun` if a shard has added
-- the request before, or nothing; the new counts, `null` for a song with a problem, none for `check`; for
-- each shard the newest fold sealed before; and a list of problems. A shard that has added the request before
-- adds nothing, and returns the current counts; with `one`, which adds one song and keeps the answer, the
-- answer.
local mode, after, ids, plays, sizes = verb, request.after, request.ids, request.plays, request.sizes
local writer, stamp = request.writer, request.stamp
local tonumber, unpack = tonumber, unpack -- locals are faster
local samePlays = type(plays) == 'number' and plays -- false: they differ
-- Values of one command, the field of the newest forgotten stamp.
local SLICE, FORGOTTEN = 1000, '\255f'
local problems, counts, folds, songsOf, isDone, isBegun = {}, {}, {}, {}, {}, false
-- New fields of all parts: ids and plays in turn. Of each part the place of the first one.
local fields, firstField = {}, {}
local answered -- the first answer to a request for one song
local keeps = mode == 'one'
if keeps then mode = 'add' end

local function refuse(...) problems[#problems + 1] = table.concat({ ... }, ' ') end

-- The parts, one for each shard: the head, the place of the first key, and the songs of the parts before.
local heads, keys, songsBefore = {}, {}, {}
local nextKey, total = 1, 0
for part, size in ipairs(sizes) do
  local head = request.heads[part] or request.heads[1]
  heads[part], keys[part], songsBefore[part] = head, nextKey, total
  nextKey = nextKey + 1 + #head.counted + (writer and 1 or 0)
  total = total + size
end

-- Reads the head and the plays of a part's songs in a hash; nil if it cannot be read.
local function look(part, key)
  local first = songsBefore[part] + 1
  local last = songsBefore[part] + sizes[part]
  local all = try('HMGET', key, HEAD, unpack(ids, first, math.min(first + SLICE - 1, last)))
  if all.err then return refuse('broken', part - 1, string.match(all.err, '%S+')) end
  for from = first + SLICE, last, SLICE do
    for _, found in ipairs(call('HMGET', key, unpack(ids, from, math.min(from + SLICE - 1, last)))) do
      all[#all + 1] = found
    end
  end
  return all
end

-- Reads the sets: of each song all plays, those that count, and the newest set with any that count.
local function lookAtSets(part)
  local all, counted, newest = {}, {}, {}
  for set, isCounted in ipairs(heads[part].counted) do
    local found = look(part, KEYS[keys[part] + set])
    if not found then return end
    for n = 1, sizes[part] do
      local sealed = tonumber(found[n + 1] or 0)
      all[n] = (all[n] or 0) + sealed
      if isCounted then counted[n] = (counted[n] or 0) + sealed end
      if isCounted and sealed > 0 then newest[n] = set end
    end
  end
  return { all = all, counted = counted, newest = newest }
end

-- Finds out if a shard has added this request before, or a later one of the same writer.
local function checkWriter(part)
  local found = call('HMGET', KEYS[keys[part] + 1 + #heads[part].counted], writer, FORGOTTEN)
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
  if not newest and songs.all >= request.cap then return false end
  if newest then songs.own[newest] = songs.own[newest] - 1 else songs.all = songs.all + 1 end
  songs.open = songs.open + 1
  songsOf[part] = songs
  return true
end

-- Computes the new plays and counts of a part, and notes its problems.
local function check(part)
  local head, before = heads[part], songsBefore[part]
  local found = look(part, KEYS[keys[part]])
  if not found then return end
  local current = found[1] or NO_HEAD
  if current ~= head.text then return refuse('head', part - 1, current) end
  if after and after < head.dropped then return refuse('dropped', part - 1, digits(head.dropped)) end
  local sets = #head.counted > 0 and lookAtSets(part)
  if sets == nil then return end
  if writer then checkWriter(part) end
  local morePlays, nextField = isDone[part] and 0 or samePlays, firstField[part]
  for n = 1, sizes[part] do
    local song, old = before + n, found[n + 1]
    local more, now = morePlays or plays[song], tonumber(old or 0)
    local sealed, counted = 0, 0
    if sets then sealed, counted = sets.all[n], sets.counted[n] or 0 end
    if not now then refuse('broken', part - 1, 'ERR')
    elseif now + sealed > MAX - more then
      refuse('overflow', song - 1, digits(now + counted), digits(sealed - counted))
    elseif now == 0 and more > 0 and not open(part, sets and sets.newest[n]) then refuse('full', song - 1)
    elseif mode ~= 'check' then
      local text = old or '0'
      if more > 0 then
        text = format(WHOLE, now + more)
        fields[nextField], fields[nextField + 1] = ids[song], text
        nextField = nextField + 2
      end
      counts[song] = answered or sets and digits(now + more + counted) or text
    end
  end
end

-- Remembers the last request of a writer. Forgets the oldest of too many, and remembers the newest forgotten
-- stamp.
local function remember(part)
  local key, most = KEYS[keys[part] + 1 + #heads[part].counted], request.writers
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
  local key, first, last = KEYS[keys[part]], firstField[part], firstField[part + 1] - 1
  if songsOf[part] then writeSongs(key, songsOf[part], heads[part].text) end
  for from = first, last, SLICE do
    call('HSET', key, unpack(fields, from, math.min(from + SLICE - 1, last)))
  end
  if writer and not isDone[part] then remember(part) end
  return last >= first
end

for part = 1, #sizes do
  folds[part], firstField[part] = heads[part].newest, #fields + 1
  check(part)
end
firstField[#sizes + 1] = #fields + 1
local isRefused = #problems > 0 and (mode == 'check' or mode == 'add')
if #problems > 0 then
  for song = 1, total do counts[song] = counts[song] or 'null' end
end
if not isRefused and (mode == 'each' or mode == 'add') then
  -- A change also where all was added before, so that WAIT waits for those plays.
  local changed = isBegun and KEYS[1]
  for part = 1, #sizes do
    if add(part) then changed = changed or KEYS[keys[part]] end
  end
  if changed then call('HINCRBY', changed, CHANGES, request.change) end
end
local reply = { isRefused and 'refused' or 'done', isBegun and 'begun' or '' }
reply[3], reply[4] = table.concat(counts, ','), table.concat(folds, ',')
for at = 1, math.min(#problems, SLICE) do reply[at + 4] = problems[at] end
return reply
