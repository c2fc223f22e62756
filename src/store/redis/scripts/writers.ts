import { COMMON } from "./common.ts";
import { Script } from "./script.ts";

/**
 * The last request of each writer. KEYS: a hash of the writers, a set of them by when they came last, and another one of
 * those whose answers have many counts.
 *
 * `claim, writer, seq, fingerprint, most writers`: gives `go` and a stamp, the same one if the request was begun before and not ended, or
 * what else is to be said of it: `stale` and the newest number, `reused`, or `done`, the fold and the counts (`-` if they were not kept).
 * `confirm, writer, seq, fold, counts, how many, most writers, most counts`: it has been added.
 * `release, writer, seq`: it was refused, and is as if it had never come, if it has come but once.
 *
 * A record is `seq fingerprint = fold counts`, or `seq fingerprint ? stamp the record before` until it
 * is confirmed; with `!` in the place of `?` if it has come again since. Stamps grow.
 */
export const WRITERS: Script = new Script(
  COMMON +
    String.raw`
local verb, writer, seq = ARGV[1], ARGV[2], ARGV[3]
local all, recent, large = KEYS[1], KEYS[2], KEYS[3]
local record = call('HGET', all, writer)
local lastSeq, lastPrint, state, rest = string.match(record or '', '^(%d+) (%d+) (.) ?(.*)$')

-- A number above all that there were, even if the last ones were lost: never less than the microseconds since 1970.
local function tick()
  local next = digits(math.max(tonumber(call('HGET', all, '\255c') or 0) + 1, micros()))
  call('HSET', all, '\255c', next)
  return next
end

local function came() call('ZADD', recent, tick(), writer) end

-- How many counts are kept of a writer's answer; 0 if there is but one.
local function heldOf(name) return tonumber(call('HGET', all, '\255l:' .. name) or 0) end

local function forgetLarge(name)
  local held = heldOf(name)
  if held == 0 then return end
  call('ZREM', large, name)
  call('HDEL', all, '\255l:' .. name)
  call('HINCRBY', all, '\255n', -held)
end

-- Forgets those who have been silent for longest, but for so many.
local function forgetOldest(most)
  while call('ZCARD', recent) > most do
    local oldest = call('ZPOPMIN', recent)[1]
    forgetLarge(oldest)
    call('HDEL', all, oldest)
  end
end

if verb == 'claim' then
  if record and tonumber(seq) < tonumber(lastSeq) then return { 'stale', lastSeq } end
  if record and seq == lastSeq then
    if ARGV[4] ~= lastPrint then return { 'reused' } end
    came()
    if state == '=' then return { 'done', string.match(rest, '^(%d+) ?(.*)$') } end
    -- What was sent before may have been added, or may yet be: whatever becomes of this, it is not as if it never came.
    call('HSET', all, writer, table.concat({ lastSeq, lastPrint, '!', rest }, ' '))
    return { 'go', string.match(rest, '^%d+') }
  end
  came()
  local stamp = call('HGET', all, '\255c')
  -- Of one that was begun before no more than that is kept, so that records do not grow.
  local before = record and (state == '=' and record or table.concat({ lastSeq, lastPrint, state, string.match(rest, '^%d+') }, ' ')) or ''
  call('HSET', all, writer, table.concat({ seq, ARGV[4], '?', stamp, before }, ' '))
  -- One that is refused takes nobody's place; but not for ever, if it is not known what became of it.
  forgetOldest(2 * tonumber(ARGV[5]) + 10)
  return { 'go', stamp }
end

if seq ~= lastSeq or state == '=' then return { 'no' } end
if verb == 'release' then
  if state == '!' then return { 'no' } end
  local before = string.match(rest, '^%d+ ?(.*)$')
  if before == '' then
    call('HDEL', all, writer)
    call('ZREM', recent, writer)
  else call('HSET', all, writer, before) end
  return { 'ok' }
end

local fold, counts, many, mostWriters, mostCounts = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
call('HSET', all, writer, lastSeq .. ' ' .. lastPrint .. ' = ' .. fold .. ' ' .. counts)
came()
if many > 1 and counts ~= '-' then
  -- Not removed and added again: while its slot is moved, a key that was empty for a moment is the other server's.
  call('ZADD', large, call('HGET', all, '\255c'), writer)
  call('HINCRBY', all, '\255n', many - heldOf(writer))
  call('HSET', all, '\255l:' .. writer, many)
else forgetLarge(writer) end
while tonumber(call('HGET', all, '\255n') or 0) > mostCounts do
  local oldest = call('ZRANGE', large, 0, 0)[1]
  local kept = string.match(call('HGET', all, oldest) or '', '^(%d+ %d+ = %d+)')
  if kept then call('HSET', all, oldest, kept .. ' -') end
  forgetLarge(oldest)
end
forgetOldest(mostWriters)
return { 'ok' }
`,
  { writes: true },
);
