-- Adds plays to songs of some shards: to all of them, or to none. Or only counts.
--
-- KEYS: for each shard its hash, its sets, and with a writer the hash of the writers that have added to it.
-- ARGV: `count`, `check` or `add`; the fold after which plays count, or nothing for the newest acknowledged
-- one; a number by which the changes grow; the largest number of songs of a shard; a writer, the stamp of
-- its request, and how many writers a shard remembers, or three empty ones; the plays of all songs, or
-- nothing; then for each shard its head, its number of songs, their ids, and their plays if they differ.
--
-- Returns `added` (also after counting), the new counts, and for each shard the newest fold sealed before; or
-- `checked`; or `refused`; and with the last two `begun` if a shard has added the request before, and a list
-- of problems. A shard that has added the request before adds nothing, and returns the current counts.
local mode, after, cap, writer, stamp = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
local samePlays = tonumber(ARGV[8]) -- nil: they differ
-- The number of values that one command takes; the field of the newest forgotten stamp.
local SLICE, FORGOTTEN = 1000, '\255f'
local parts, problems, counts, folds, shapes, isBegun = {}, {}, {}, {}, {}, false

local function refuse(...) problems[#problems + 1] = table.concat({ ... }, ' ') end

-- Reads from a head the newest and the dropped fold, and of each set if it counts.
local function shapeOf(head)
  local shape = shapes[head]
  if not shape then
    local newest, kept, dropped, list = string.match(head, '^%d+:(%d+):(%d+):(%d+):(.*)$')
    shape = { newest = newest or '0', dropped = dropped or '0' }
    for fold in string.gmatch(list or '', '%d+') do
      shape[#shape + 1] = tonumber(fold) > (after or tonumber(kept))
    end
    shapes[head] = shape
  end
  return shape
end

-- Reads the head and the plays of a part's songs in a hash; nil if it cannot be read.
local function look(part, key)
  local last = part.first + part.n - 1
  local all = try('HMGET', key, HEAD, unpack(ARGV, part.first, math.min(last, part.first + SLICE - 1)))
  if all.err then return refuse('broken', part.at, string.match(all.err, '%S+')) end
  for from = part.first + SLICE, last, SLICE do
    for _, plays in ipairs(call('HMGET', key, unpack(ARGV, from, math.min(from + SLICE - 1, last)))) do
      all[#all + 1] = plays
    end
  end
  return all
end

-- Reads the sets: of each song all plays, those that count, and the newest set with any.
local function lookAtSets(part, shape)
  local all, counted, newest = {}, {}, {}
  for set, isCounted in ipairs(shape) do
    local found = look(part, KEYS[part.key + set])
    if not found then return end
    for n = 1, part.n do
      local plays = tonumber(found[n + 1] or 0)
      all[n] = (all[n] or 0) + plays
      if isCounted then counted[n] = (counted[n] or 0) + plays end
      if plays > 0 then newest[n] = set end
    end
  end
  return { all = all, counted = counted, newest = newest }
end

-- Returns true if the shard has added this request before, or a later one of the same writer.
local function isDone(part)
  local found = call('HMGET', part.writers, writer, FORGOTTEN)
  local last, fold = string.match(found[1] or '', '^(%d+) (%d+)')
  if last and tonumber(last) >= tonumber(stamp) then
    isBegun = true
    if last == stamp then part.fold = fold end
    return true
  end
  if found[2] and tonumber(found[2]) >= tonumber(stamp) then refuse('forgotten') end
end

-- Computes the new plays and counts of a part, and finds out what keeps it from being added.
local function check(part)
  local shape, open = shapeOf(part.head), look(part, KEYS[part.key])
  part.fold = shape.newest
  if not open then return end
  if (open[1] or '') ~= part.head then return refuse('head', part.at, open[1] or '') end
  if after and after < tonumber(shape.dropped) then return refuse('dropped', part.at, shape.dropped) end
  local sets = shape[1] ~= nil and lookAtSets(part, shape)
  if sets == nil then return end
  part.done = part.writers and isDone(part)
  local changes, moved, opened, fresh, songs = {}, {}, 0, 0, nil
  for n = 1, part.n do
    local before, plays = tonumber(open[n + 1] or 0), samePlays or tonumber(ARGV[part.first + part.n + n - 1])
    if not before then return refuse('broken', part.at, 'ERR') end
    local sealed = sets and sets.all[n] or 0
    if part.done then plays = 0 end
    if before + sealed > MAX - plays then refuse('overflow', part.song + n - 1, digits(before + sealed)) end
    if plays > 0 then
      changes[#changes + 1], changes[#changes + 2] = ARGV[part.first + n - 1], before + plays
      if before == 0 then
        songs = songs or readSongs(KEYS[part.key])
        local newest = sets and sets.newest[n]
        opened, fresh = opened + 1, fresh + (newest and 0 or 1)
        if newest then moved[newest] = (moved[newest] or 0) + 1
        elseif songs.all + fresh > cap then refuse('full', part.song + n - 1) end
      end
    end
    local count = before + plays + (sets and sets.counted[n] or 0)
    counts[#counts + 1] = count < 1e14 and count or digits(count)
  end
  part.changes = changes
  if opened == 0 then return end
  songs.open = songs.open + opened
  for set, number in pairs(moved) do songs.own[set] = songs.own[set] - number end
  part.songs = songs
end

-- Remembers the last request of a writer. Forgets the oldest of too many, and remembers the newest forgotten
-- stamp.
local function remember(part)
  local key, most = part.writers, tonumber(ARGV[7])
  call('HSET', key, writer, stamp .. ' ' .. part.fold)
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

local function add(part)
  local key, changes = KEYS[part.key], part.changes
  for from = 1, #changes, SLICE do
    call('HSET', key, unpack(changes, from, math.min(from + SLICE - 1, #changes)))
  end
  if part.songs then writeSongs(key, part.songs) end
  if part.writers and not part.done then remember(part) end
  return #changes > 0
end

local key, arg, song = 1, 9, 0
while arg <= #ARGV do
  local head, n = ARGV[arg], tonumber(ARGV[arg + 1])
  local part = { at = #parts, key = key, head = head, n = n, first = arg + 2, song = song }
  key, arg, song = key + 1 + #shapeOf(head), arg + 2 + (samePlays and n or 2 * n), song + n
  if writer ~= '' then part.writers, key = KEYS[key], key + 1 end
  parts[#parts + 1] = part
  check(part)
end
local begun = isBegun and 'begun' or ''
if #problems > 0 then return { 'refused', begun, unpack(problems, 1, math.min(#problems, SLICE)) } end
if mode == 'check' then return { 'checked', begun } end
-- A change also where all was added before, so that WAIT waits for those plays.
local changed = isBegun and KEYS[1]
for at, part in ipairs(parts) do
  if add(part) then changed = changed or KEYS[part.key] end
  folds[at] = part.fold
end
if changed then call('HINCRBY', changed, CHANGES, ARGV[3]) end
return { 'added', table.concat(counts, ' '), table.concat(folds, ' ') }
