import { CONTROL_SHARED } from "./control-shared.ts";
import { Script } from "./script.ts";

// KEYS of all of these: what is the same for all shards.

/**
 * ARGV: number of shards, number of places for writers, seed, name. Gives the layout that is in force, what is under way, and
 * whether it was laid out by this.
 */
export const LAY_OUT: Script = new Script(
  String.raw`
local isNew = false
for at, field in ipairs({ 'shards', 'writers', 'seed', 'name' }) do
  if redis.call('HSETNX', KEYS[1], field, ARGV[at]) == 1 then isNew = true end
end
local answer = redis.call('HMGET', KEYS[1], 'shards', 'writers', 'seed', 'name', 'under way')
answer[6] = tostring(isNew)
return answer
`,
  { writes: true },
);

/** Gives the folds that are not acknowledged, the one that is kept, the one that was dropped last, the epoch, and what is under way. */
export const STATE: Script = new Script(
  CONTROL_SHARED +
    String.raw`
return { text('folds'), digits(number('kept')), digits(number('dropped')), digits(number('epoch')), text('under way') }
`,
  { writes: false },
);

/**
 * Writes down what is to be done. ARGV: its kind, a fold, how many folds may be unacknowledged. Gives `go`, what is under way
 * now, and the kept fold; `busy` and the same of something else; or a reason not to.
 */
export const BEGIN: Script = new Script(
  CONTROL_SHARED +
    String.raw`
local folds = {}
for fold in string.gmatch(text('folds'), '%d+') do table.insert(folds, tonumber(fold)) end

-- Why it cannot begin; nil if it can.
local function refusal(kind, fold)
  local kept, there = number('kept'), false
  for _, known in ipairs(folds) do there = there or known == fold end
  if kind == 'seal' then
    if there or (fold == kept and kept > 0) then return { 'done' } end
    if fold <= number('newest') then return { 'below', digits(number('newest')) } end
    if #folds >= tonumber(ARGV[3]) then return { 'many' } end
  elseif kind == 'acknowledge' then
    if fold <= kept then return { 'done' } end
    if not there then return { 'unknown' } end
    if folds[1] ~= fold then return { 'older', digits(folds[1]) } end
  end
end

local kind, fold = ARGV[1], tonumber(ARGV[2])
local other = string.match(text('under way'), '^%a+:%d+:%d+$') or '' -- what else is there was put there by nobody
if kind == 'clear' then fold = math.max(number('epoch') + 1, math.floor(micros() / 1000)) end
if kind == 'freeze' and other == '' then fold = call('HINCRBY', key, 'freezes', 1) end
local name = kind .. ':' .. digits(fold) .. ':' .. digits(number('epoch'))
if other == '' then
  local why = refusal(kind, fold)
  if why then return why end
  call('HSET', key, 'under way', name)
elseif other ~= name then return { 'busy', other, digits(number('kept')) } end
return { 'go', name, digits(number('kept')) }
`,
  { writes: true, frees: true },
);

/** Has something else under way. ARGV: what, and what in its place. Gives 1, or 0 if it is not any more. */
export const TURN: Script = new Script(
  CONTROL_SHARED +
    String.raw`
if text('under way') ~= ARGV[1] then return 0 end
call('HSET', key, 'under way', ARGV[2])
return 1
`,
  { writes: true, frees: true },
);

/** Crosses out what has been done. ARGV: what, and pairs of a shard and what room it has given back. Gives 1, or 0 if it is not under way any more. */
export const END: Script = new Script(
  CONTROL_SHARED +
    String.raw`
local folds = {}
for fold in string.gmatch(text('folds'), '%d+') do table.insert(folds, tonumber(fold)) end

local function write(list)
  local words = {}
  for _, fold in ipairs(list) do table.insert(words, digits(fold)) end
  call('HSET', key, 'folds', table.concat(words, ','))
end

if text('under way') ~= ARGV[1] then return 0 end
local kind, fold = string.match(ARGV[1], '^(%a+):(%d+):%d+$')
fold = tonumber(fold)
if kind == 'seal' then
  table.insert(folds, fold)
  write(folds)
  call('HSET', key, 'newest', digits(fold))
elseif kind == 'acknowledge' then
  table.remove(folds, 1)
  write(folds)
  call('HSET', key, 'dropped', digits(number('kept')), 'kept', digits(fold))
  takeBack(2)
elseif kind == 'clear' then
  for shard = 0, number('shards') - 1 do call('HDEL', key, 'granted:' .. shard, 'freed:' .. shard) end
  call('HDEL', key, 'folds', 'newest', 'kept', 'dropped', 'used')
  call('HSET', key, 'epoch', digits(fold))
end
call('HDEL', key, 'under way')
return 1
`,
  { writes: true, frees: true },
);

/** Gives up what is under way, and goes on to the epoch of a shard that is ahead. ARGV: what, the epoch. */
export const RAISE: Script = new Script(
  CONTROL_SHARED +
    String.raw`
if text('under way') == ARGV[1] then call('HDEL', key, 'under way') end
if number('epoch') < tonumber(ARGV[2]) then call('HSET', key, 'epoch', ARGV[2]) end
`,
  { writes: true, frees: true },
);
