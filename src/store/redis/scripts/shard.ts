import { CHANGING } from "./generation.ts";
import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

// Each can be done again, by anybody, however late: an epoch that has passed, or a fold that is sealed or acknowledged
// already, changes nothing. All give the head that the shard has then.

/** Seals what is in the open fold. KEYS: the shard, and the set that it becomes. ARGV: the epoch, the fold. */
export const SEAL: Script = new Script(
  SHARED +
    CHANGING +
    String.raw`
local head, epoch, fold = readHead(KEYS[1]), tonumber(ARGV[1]), tonumber(ARGV[2])
if head.epoch > epoch or head.newest >= fold then return head.text end
head.epoch, head.newest = epoch, fold
local room = readRoom(KEYS[1])
local changes = nextChange(KEYS[1])
if room.open > 0 then
  call('RENAME', KEYS[1], KEYS[2])
  call('HDEL', KEYS[2], HEAD, ROOM, CHANGES)
  table.insert(head.sets, digits(fold))
  table.insert(room.own, room.open)
  room.open = 0
  writeRoom(KEYS[1], room)
end
call('HSET', KEYS[1], CHANGES, changes)
writeHead(KEYS[1], head)
return head.text
`,
  { writes: true, frees: true },
);

/**
 * Keeps a fold, and drops the one that was kept, with all older ones that may have been left. KEYS: the shard, and its
 * sets. ARGV: the head that the caller knows, the epoch, the fold, and the one that is dropped; 0: none. Gives the head,
 * and how many songs' room was ever given back.
 */
export const ACKNOWLEDGE: Script = new Script(
  SHARED +
    CHANGING +
    String.raw`
local head, room = readHead(KEYS[1]), readRoom(KEYS[1])
local epoch, fold, dropped = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if head.text == ARGV[1] and head.epoch <= epoch and head.kept < fold then
  -- One that was lost knows of no fold, and of no clear.
  head.epoch, head.newest = epoch, math.max(head.newest, fold)
  head.kept, head.dropped = fold, math.max(head.dropped, dropped)
  local set = 1
  while tonumber(head.sets[1] or dropped + 1) <= dropped do
    table.remove(head.sets, 1)
    room.freed = room.freed + table.remove(room.own, 1)
    set = set + 1
    call('UNLINK', KEYS[set])
  end
  writeRoom(KEYS[1], room)
  touch(KEYS[1])
  writeHead(KEYS[1], head)
end
return { head.text, digits(room.freed) }
`,
  { writes: true, frees: true },
);

/** Forgets all. KEYS: the shard, and its sets. ARGV: the head that the caller knows, the epoch that begins. */
export const CLEAR: Script = new Script(
  SHARED +
    CHANGING +
    String.raw`
local head = readHead(KEYS[1])
if head.epoch >= tonumber(ARGV[2]) or head.text ~= ARGV[1] then return head.text end
local changes = nextChange(KEYS[1])
call('UNLINK', unpack(KEYS))
-- While its slot is moved, a key that is gone is the other server's: it has no head then, and is cleared there the next time.
if type(redis.pcall('HSET', KEYS[1], CHANGES, changes)) == 'table' then return '' end
writeHead(KEYS[1], { epoch = tonumber(ARGV[2]), newest = 0, kept = 0, dropped = 0, sets = {} })
return call('HGET', KEYS[1], HEAD)
`,
  { writes: true, frees: true },
);

/** Has nothing added for now. KEYS: the shard. ARGV: the epoch, and a number that says whose doing it is. */
export const FREEZE: Script = new Script(
  SHARED +
    CHANGING +
    String.raw`
local head = readHead(KEYS[1])
if head.epoch == tonumber(ARGV[1]) and head.frozen == '' then
  writeText(KEYS[1], head.text .. '!' .. ARGV[2])
end
return head.text
`,
  { writes: true, frees: true },
);

/** As it was before it was frozen. KEYS: the shard. ARGV: whose doing that was. */
export const THAW: Script = new Script(
  SHARED +
    CHANGING +
    String.raw`
local head = readHead(KEYS[1])
if head.frozen == ARGV[1] then writeText(KEYS[1], head.text) end
return head.text
`,
  { writes: true, frees: true },
);

/** Grants room for songs. KEYS: the shard. ARGV: the epoch, and for how many it has been granted altogether. */
export const GRANT: Script = new Script(
  SHARED +
    String.raw`
local head, room, granted = readHead(KEYS[1]), readRoom(KEYS[1]), tonumber(ARGV[2])
if head.epoch == tonumber(ARGV[1]) and room.granted < granted then
  room.granted = granted
  writeRoom(KEYS[1], room)
end
return head.text
`,
  { writes: true },
);

/** Gives back the room that is left. KEYS: the shard. ARGV: the epoch. Gives how much was ever given back. */
export const GIVE_BACK: Script = new Script(
  SHARED +
    String.raw`
local head, room = readHead(KEYS[1]), readRoom(KEYS[1])
if head.epoch ~= tonumber(ARGV[1]) then return '0' end
if room.left > 0 then
  room.freed = room.freed + room.left
  writeRoom(KEYS[1], room)
end
return digits(room.freed)
`,
  { writes: true, frees: true },
);

/** How shards are. KEYS: the shards. Gives for each its changes, its songs and its head. */
export const SURVEY: Script = new Script(
  SHARED +
    String.raw`
local answer = {}
for _, key in ipairs(KEYS) do
  answer[#answer + 1] = call('HGET', key, CHANGES) or '0'
  answer[#answer + 1] = digits(readRoom(key).songs)
  answer[#answer + 1] = call('HGET', key, HEAD) or ''
end
return answer
`,
  { writes: false },
);

/** Writes something that says nothing, and is gone soon. KEYS: where. */
export const PROBE: Script = new Script("redis.call('SET', KEYS[1], '', 'PX', 60000)", { writes: true });
