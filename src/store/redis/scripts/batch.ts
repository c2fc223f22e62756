import { ADD_KNOWN } from "./add-known.ts";
import { KNOWN } from "./generation.ts";
import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * Adds plays to many songs of some shards: to all of them, or to none.
 *
 * ARGV: the generation that the caller knows, or nothing; `check` or `add`; a writer and a stamp of his request, or two
 * empty ones; how many writers a shard remembers; the head that the caller knows of all shards, or `*`; the plays of all
 * songs, 0 or more, or `*`; and then for each shard its head if they differ, how many songs it has, and 65,536 times which
 * piece of very many these are, from 0 on; their ids; and the plays of each if they differ.
 * KEYS: that of the generation if he knows one; and for each shard its hash, its sets, and with a writer the hash of those
 * who have added to it.
 *
 * Gives nothing if the generation is another one; or `no` or `yes`, whether any of the shards had added it before, and then
 *
 * - `no`, nothing was done: problems, as `h` with the place of a shard and the head it has; `o` with a count that would
 *   pass 2^53 - 1 and what would be added; `e` with the place of a shard and the error of reading it; `u` if it
 *   is not known any more whether a shard had added it; or, if there is no room in one of them, for each shard that gets
 *   new songs `r` with its place, how many those are, for how many it has room, and for how many it was ever granted it;
 * - `yes`, unless it only checks: the new counts, with blanks between, and the fold that was sealed before it was added by
 *   those that had added it before.
 *
 * A shard that has added the same request before adds nothing: its songs have the counts of now.
 */
export const BATCH: Script = new Script(
  SHARED +
    KNOWN +
    String.raw`
local mode, writer, stamp, most = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local sameHead, samePlays = ARGV[6], tonumber(ARGV[7]) -- nil: they differ
local FIRST_ARG = 8
local parts, problems, needs, lacksRoom, doneBefore = {}, {}, {}, false, false
-- The fold that was sealed before those shards added it that had it before.
local foldBefore = MAX
-- The field of the newest stamp of a writer whose request is not known any more.
local FORGOTTEN = '\255f'
-- As many values as a command takes at a time.
local SLICE = 1000

` +
    ADD_KNOWN +
    String.raw`
local answer = isPlain and (mode == 'add' and addKnown() or mode == 'check' and checkKnown())
if answer then return answer end

-- A shard's head, or any field of another hash, and behind it the plays that the songs of a part have there; false: none.
local function look(part, key)
  local last = part.first + part.n - 1
  local all = redis.pcall('HMGET', key, HEAD, unpack(ARGV, part.first, math.min(last, part.first + SLICE - 1)))
  if all.err then
    table.insert(problems, 'e' .. #parts .. ' ' .. string.match(all.err, '%S+'))
    return { part.head }
  end
  for from = part.first + SLICE, last, SLICE do
    local some = call('HMGET', key, unpack(ARGV, from, math.min(from + SLICE - 1, last)))
    for _, plays in ipairs(some) do all[#all + 1] = plays end
  end
  return all
end

-- Of each song what all sets have, which of them is the newest that has any, and what the kept one has.
local function lookAtSets(part)
  part.sealed, part.newest, part.kept = {}, {}, {}
  for n = 1, part.n do part.sealed[n], part.newest[n], part.kept[n] = 0, 0, 0 end
  for set = 1, part.sets do
    local found = look(part, KEYS[part.at + set])
    for n = 1, part.n do
      if found[n + 1] then
        local plays = tonumber(found[n + 1])
        part.sealed[n], part.newest[n] = part.sealed[n] + plays, set
        if set == 1 and part.keeps then part.kept[n] = plays end
      end
    end
  end
end

local function playsOf(part, n) return samePlays or tonumber(ARGV[part.first + part.n + n - 1]) end

local function checkSongs(part)
  local fresh = 0
  for n = 1, part.n do
    local plays = playsOf(part, n)
    local before = tonumber(part.open[n + 1] or 0) + (part.sealed and part.sealed[n] or 0)
    if before > MAX - plays then table.insert(problems, 'o' .. digits(before) .. ' ' .. digits(plays)) end
    if before == 0 and plays > 0 then fresh = fresh + 1 end
  end
  if fresh == 0 then return end
  local room = readRoom(part.key)
  local has = { fresh, room.left, room.granted }
  for at, number in ipairs(has) do has[at] = digits(number) end
  table.insert(needs, 'r' .. #parts .. ' ' .. table.concat(has, ' '))
  lacksRoom = lacksRoom or room.left < fresh
end

-- Whether this request has been added here before; it has as well if a later one of the same writer has.
local function isDone(part)
  local found = call('HMGET', part.writers, writer, FORGOTTEN)
  local last, fold, piece = string.match(found[1] or '', '^(%d+) (%d+) (%d+)')
  if last and (tonumber(last) > tonumber(stamp) or last == stamp and tonumber(piece) >= part.piece) then
    part.done = true
    if last == stamp then foldBefore = math.min(foldBefore, tonumber(fold)) end
  elseif found[2] and tonumber(found[2]) >= tonumber(stamp) then
    table.insert(problems, 'u' .. #parts)
  end
  return part.done
end

local function check(part)
  part.open = look(part, part.key)
  local now = part.open[1] or ''
  if now ~= part.head then
    table.insert(problems, 'h' .. #parts .. ' ' .. now)
    return
  end
  if part.sets > 0 then lookAtSets(part) end
  if part.writers and isDone(part) then doneBefore = true else checkSongs(part) end
end

-- Remembers the last request of a writer here. Of very many those are forgotten that came first, and it is noted which were.
local function remember(part)
  local key = part.writers
  call('HSET', key, writer, stamp .. ' ' .. (string.match(part.head, '^%d+:(%d+)') or '0') .. ' ' .. part.piece)
  if call('HLEN', key) <= 2 * most then return end
  local all, stamps = call('HGETALL', key), {}
  for at = 1, #all, 2 do
    if all[at] ~= FORGOTTEN then stamps[#stamps + 1] = tonumber(string.match(all[at + 1], '^%d+')) end
  end
  table.sort(stamps)
  local newest = stamps[#stamps - most]
  for at = 1, #all, 2 do
    if all[at] ~= FORGOTTEN and tonumber(string.match(all[at + 1], '^%d+')) <= newest then call('HDEL', key, all[at]) end
  end
  call('HSET', key, FORGOTTEN, digits(newest))
end

local function takeRoom(part, room, n)
  local newest = part.newest and part.newest[n] or 0
  room.open = room.open + 1
  if newest > 0 then room.own[newest] = room.own[newest] - 1 end
end

local function add(part, counts)
  local changes, room = {}, nil
  for n = 1, part.n do
    local open, plays = tonumber(part.open[n + 1] or 0), part.done and 0 or playsOf(part, n)
    if plays > 0 then
      changes[#changes + 1] = ARGV[part.first + n - 1]
      changes[#changes + 1] = open + plays
      if open == 0 then
        room = room or readRoom(part.key)
        takeRoom(part, room, n)
      end
    end
    local count = open + plays + (part.sealed and part.sealed[n] - part.kept[n] or 0)
    counts[#counts + 1] = count < 1e14 and count or digits(count)
  end
  for from = 1, #changes, SLICE do
    call('HSET', part.key, unpack(changes, from, math.min(from + SLICE - 1, #changes)))
  end
  if room then writeRoom(part.key, room) end
  if part.writers and not part.done then remember(part) end
  return #changes > 0
end

local at, arg = firstKey, FIRST_ARG
while arg <= #ARGV do
  local head = sameHead
  if head == '*' then head, arg = ARGV[arg], arg + 1 end
  local number = tonumber(ARGV[arg])
  local n = number % 65536
  local part = { key = KEYS[at], at = at, head = head, n = n, piece = (number - n) / 65536, first = arg + 1, sets = 0 }
  if head ~= '' and string.byte(head, -1) ~= 58 then
    part.sets, part.keeps = countSets(head), keepsOldest(head)
  end
  at = at + 1 + part.sets
  if writer ~= '' then part.writers, at = KEYS[at], at + 1 end
  arg = arg + 1 + (samePlays and n or 2 * n)
  check(part)
  parts[#parts + 1] = part
end
if lacksRoom then
  for _, need in ipairs(needs) do problems[#problems + 1] = need end
end
if #problems > 0 then return { 'no', tostring(doneBefore), unpack(problems, 1, math.min(#problems, SLICE)) } end
if mode == 'check' then return { 'yes', tostring(doneBefore) } end
local counts, changed = {}, nil
for _, part in ipairs(parts) do
  if add(part, counts) then changed = changed or part.key end
end
-- Something is written where nothing is added any more as well: replicas are waited for until they have that, and so all.
changed = changed or doneBefore and parts[1].key
if changed then touch(changed) end
return { 'yes', tostring(doneBefore), table.concat(counts, ' '), digits(foldBefore) }
`,
  { writes: true },
);
