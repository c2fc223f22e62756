import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * Adds plays to many songs of some shards: to all of them, or to none.
 *
 * ARGV: `check` or `add`; a writer and a stamp of his request, or two empty ones; how many writers a shard remembers; and
 * then for each shard the head that the caller knows, how many songs it has, and for each the id and the plays, 0 or more.
 * KEYS: for each shard its hash, its sets, and with a writer the hash of those who have added to it.
 *
 * Gives `no` or `yes`, whether any of the shards had added it before, and then
 *
 * - `no`, nothing was done: problems, as `h` with the place of a shard and the head it has, `r` with the place of a shard, how
 *   many songs there is no room for and how many it was granted, or `o` with a count that would pass 2^53 - 1 and what would be added;
 * - `yes`, unless it only checks: the new counts, with blanks between.
 *
 * A shard that has added the same request before adds nothing: its songs have the counts of now.
 */
export const BATCH: Script = new Script(
  SHARED +
    String.raw`
local mode, writer, stamp, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local parts, problems, doneBefore = {}, {}, false

-- What a song has, and the newest of the sets that have it; 0: none.
local function look(part, id)
  local song = { open = tonumber(call('HGET', part.key, id) or 0), newest = 0, kept = 0 }
  song.before = song.open
  for set = part.sets, 1, -1 do
    local old = tonumber(call('HGET', KEYS[part.at + set], id) or 0)
    if old > 0 and song.newest == 0 then song.newest = set end
    song.before = song.before + old
    if set == 1 and part.keeps then song.kept = old end
  end
  return song
end

local function check(part)
  local now = call('HGET', part.key, HEAD) or ''
  if now ~= part.head then
    table.insert(problems, 'h' .. #parts .. ' ' .. now)
    return
  end
  if part.writers and string.match(call('HGET', part.writers, writer) or '', '^%S+') == stamp then
    part.done, doneBefore = true, true
  end
  local fresh = 0
  for n = 1, part.n do
    local id, plays = ARGV[part.first + 2 * n - 2], tonumber(ARGV[part.first + 2 * n - 1])
    local song = look(part, id)
    part.songs[n] = song
    if not part.done and plays > 0 then
      if song.before > MAX - plays then
        table.insert(problems, 'o' .. digits(song.before) .. ' ' .. digits(plays))
      end
      if song.open == 0 and song.newest == 0 then fresh = fresh + 1 end
    end
  end
  local room = fresh > 0 and readRoom(part.key)
  if room and room.left < fresh then
    table.insert(problems, 'r' .. #parts .. ' ' .. digits(fresh - room.left) .. ' ' .. digits(room.granted))
  end
end

-- Remembers the last request of a writer here. Writers that have not come back while twice as many others came are forgotten:
-- by then the request is either known where all writers are, or given up.
local function remember(key)
  local tick = call('HINCRBY', key, '\255t', 1)
  call('HSET', key, writer, stamp .. ' ' .. tick)
  if call('HLEN', key) <= 2 * most + 1 then return end
  local all, ticks = call('HGETALL', key), {}
  for at = 1, #all, 2 do
    if all[at] ~= '\255t' then table.insert(ticks, tonumber(string.match(all[at + 1], '%d+$'))) end
  end
  table.sort(ticks)
  for at = 1, #all, 2 do
    if all[at] ~= '\255t' and tonumber(string.match(all[at + 1], '%d+$')) < ticks[#ticks - most + 1] then
      call('HDEL', key, all[at])
    end
  end
end

local function add(part, counts)
  local room
  for n, song in ipairs(part.songs) do
    local id, plays = ARGV[part.first + 2 * n - 2], tonumber(ARGV[part.first + 2 * n - 1])
    if part.done then plays = 0 end
    if plays > 0 then
      call('HINCRBY', part.key, id, digits(plays))
      if song.open == 0 then
        room = room or readRoom(part.key)
        room.open = room.open + 1
        if song.newest > 0 then room.own[song.newest] = room.own[song.newest] - 1 end
      end
      part.changed = true
    end
    counts[#counts + 1] = digits(song.before - song.kept + plays)
  end
  if room then writeRoom(part.key, room) end
  if part.writers and not part.done then remember(part.writers) end
  return part.changed
end

local at, arg = 1, 5
while arg <= #ARGV do
  local head, n = ARGV[arg], tonumber(ARGV[arg + 1])
  local part = { key = KEYS[at], at = at, head = head, n = n, first = arg + 2, sets = countSets(head), songs = {} }
  part.keeps = keepsOldest(head)
  at = at + 1 + part.sets
  if writer ~= '' then part.writers, at = KEYS[at], at + 1 end
  arg = arg + 2 + 2 * n
  check(part)
  table.insert(parts, part)
end
if #problems > 0 then return { 'no', tostring(doneBefore), unpack(problems, 1, math.min(#problems, 1000)) } end
if mode == 'check' then return { 'yes', tostring(doneBefore) } end
local counts, changed = {}, nil
for _, part in ipairs(parts) do
  if add(part, counts) then changed = changed or part.key end
end
if changed then call('HINCRBY', changed, CHANGES, 1) end
return { 'yes', tostring(doneBefore), table.concat(counts, ' ') }
`,
  { writes: true },
);
