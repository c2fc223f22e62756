import { COMMON } from "./common.ts";

/**
 * What all scripts of a shard begin with.
 *
 * A shard is a hash: its fields are ids, with their plays in the open fold, and three that begin with a byte that no
 * UTF-8 has. Another hash for each of its sealed folds has the plays of that. The three are
 *
 * - its head: `epoch:newest:kept:dropped:sets`. The epoch is how often all was cleared; then come the newest fold that was
 *   sealed, the newest that was acknowledged, whose plays are kept, and the newest that was dropped; and the folds that
 *   have a hash, the oldest first, with commas between. A caller says which head he knows: if it is another one by now,
 *   nothing is done, and he is told. So the keys that a script works on are those that it was given. A head with `!` and a
 *   number behind it is frozen: nobody knows that one, so nothing is added until it is as it was. Where one server has all
 *   shards there is one number, the generation, that changes with every head: who knows all heads may say that instead.
 * - its room: `granted:freed:open:own`. How many songs it has ever been granted room for in this epoch, and how many it has
 *   given back; then for the open fold, and each of the sets, the songs of which it is the newest to have any: these
 *   are all songs, each once, and those that go when the oldest set is dropped.
 * - its changes: a number that grows with each, of this shard or of others in the same script; never less than the
 *   milliseconds since 2024, so that none comes again if Redis has lost the last ones.
 */
export const SHARED: string =
  COMMON +
  String.raw`
local MAX = 9007199254740991
local HEAD, ROOM, CHANGES = '\255h', '\255r', '\255v'

-- How many sets a head names.
local function countSets(head)
  local list = string.match(head, '[^:]*$')
  if list == '' then return 0 end
  local _, commas = string.gsub(list, ',', ',')
  return commas + 1
end

local function readHead(key)
  local text, frozen = string.match(call('HGET', key, HEAD) or '', '^([^!]*)!?(%d*)$')
  local epoch, newest, kept, dropped, list = string.match(text, '^(%d+):(%d+):(%d+):(%d+):(.*)$')
  local head = { text = text, frozen = frozen, epoch = tonumber(epoch or 0), newest = tonumber(newest or 0),
    kept = tonumber(kept or 0), dropped = tonumber(dropped or 0), sets = {} }
  for fold in string.gmatch(list or '', '%d+') do table.insert(head.sets, fold) end
  return head
end

-- Whether the oldest set of a head is the fold that is kept, which no count has.
local function keepsOldest(head)
  local kept, oldest = string.match(head, '^%d+:%d+:(%d+):%d+:(%d+)')
  return kept ~= nil and kept == oldest
end

-- The changes of a shard after one more.
local function nextChange(key)
  local ms = math.floor(micros() / 1000) - 1704067200000
  return digits(math.max(tonumber(call('HGET', key, CHANGES) or 0) + 1, ms))
end

-- Says that something has changed.
local function touch(key) call('HSET', key, CHANGES, nextChange(key)) end

local function readRoom(key)
  local numbers = {}
  for number in string.gmatch(call('HGET', key, ROOM) or '', '%d+') do table.insert(numbers, tonumber(number)) end
  local room = { granted = numbers[1] or 0, freed = numbers[2] or 0, open = numbers[3] or 0, own = {}, songs = 0 }
  room.songs = room.open
  for at = 4, #numbers do
    table.insert(room.own, numbers[at])
    room.songs = room.songs + numbers[at]
  end
  room.left = room.granted - room.freed - room.songs
  return room
end

local function writeRoom(key, room)
  local numbers = { digits(room.granted), digits(room.freed), digits(room.open) }
  for _, own in ipairs(room.own) do table.insert(numbers, digits(own)) end
  call('HSET', key, ROOM, table.concat(numbers, ':'))
end
`;
