import { Script } from "./script.ts";

/**
 * What is the same for all shards. KEYS: a hash, of
 *
 * - `shards`, `writers`, `seed`, `name`: how the data is laid out, which never changes;
 * - `epoch`, `newest`, `kept`, `dropped`, `folds`: how often all was cleared, and which folds there are;
 * - `under way`: what is being done to one shard after the other, as `seal:17:0`, with the epoch. Nothing else begins
 *   until that has ended, and anybody may end it;
 * - `used`, and for each shard `granted:N` and `freed:N`: for how many songs there is no room left.
 *
 * `lay out, shards, writers, seed, name`: gives the layout that is in force, and what is under way. `folds`: gives those that are not
 * acknowledged, the one that is kept, the one that was dropped last, and the epoch. `begin, kind, fold, most folds`: gives `go` and
 * the epoch and the kept fold; `busy` and the same of something else; or a reason not to. `under way`: gives that
 * alone. `turn, what, what else`: gives whether that is under way now in the place of the first. `end, what`, with pairs of a shard and
 * what it has given back: gives whether that has ended by this. `take, shard, epoch, granted, how many, most songs,
 * how many altogether`: gives for how many songs the shard has been granted room altogether, or `full`, `busy`, `lost` if
 * nothing is laid out any more, `behind` and the epoch, or `ahead`, if the shard is, because a server has lost what came
 * last. `raise, what, epoch`: gives that up, and goes on to that epoch. `take back, epoch`, with such
 * pairs.
 */
export const CONTROL: Script = new Script(
  String.raw`
local call, key, verb = redis.call, KEYS[1], ARGV[1]
local function text(field) return call('HGET', key, field) or '' end
local function number(field) return tonumber(call('HGET', key, field) or 0) end
local function digits(n) return string.format('%.0f', n) end

if verb == 'lay out' then
  for at, field in ipairs({ 'shards', 'writers', 'seed', 'name' }) do call('HSETNX', key, field, ARGV[at + 1]) end
  return call('HMGET', key, 'shards', 'writers', 'seed', 'name', 'under way')
end
if verb == 'under way' then return { text('under way'), digits(number('epoch')), digits(number('kept')) } end
if verb == 'raise' then
  if text('under way') == ARGV[2] then call('HDEL', key, 'under way') end
  if number('epoch') < tonumber(ARGV[3]) then call('HSET', key, 'epoch', ARGV[3]) end
  return 1
end
if verb == 'turn' then
  if text('under way') ~= ARGV[2] then return 0 end
  call('HSET', key, 'under way', ARGV[3])
  return 1
end
if verb == 'folds' then return { text('folds'), digits(number('kept')), digits(number('dropped')), digits(number('epoch')) } end

local folds = {}
for fold in string.gmatch(text('folds'), '%d+') do table.insert(folds, tonumber(fold)) end

local function write(list)
  local words = {}
  for _, fold in ipairs(list) do table.insert(words, digits(fold)) end
  call('HSET', key, 'folds', table.concat(words, ','))
end

-- Room that shards have given back, each altogether: what is here already is not taken again.
local function takeBack()
  for at = 3, #ARGV, 2 do
    local more = tonumber(ARGV[at + 1]) - number('freed:' .. ARGV[at])
    if more > 0 then
      call('HINCRBY', key, 'used', digits(-more))
      call('HSET', key, 'freed:' .. ARGV[at], ARGV[at + 1])
    end
  end
end

if verb == 'take back' then
  if number('epoch') == tonumber(ARGV[2]) then takeBack() end
  return 'ok'
end

-- Why it cannot begin; nil if it can.
local function refusal(kind, fold)
  local kept, there = number('kept'), false
  for _, known in ipairs(folds) do there = there or known == fold end
  if kind == 'seal' then
    if there or (fold == kept and kept > 0) then return { 'done' } end
    if fold <= number('newest') then return { 'below', digits(number('newest')) } end
    if #folds >= tonumber(ARGV[4]) then return { 'many' } end
  elseif kind == 'acknowledge' then
    if fold <= kept then return { 'done' } end
    if not there then return { 'unknown' } end
    if folds[1] ~= fold then return { 'older', digits(folds[1]) } end
  end
end

if verb == 'begin' then
  local kind, fold = ARGV[2], tonumber(ARGV[3])
  local other = text('under way')
  if kind == 'clear' then
    local now = call('TIME')
    fold = math.max(number('epoch') + 1, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
  end
  if kind == 'freeze' and other == '' then fold = call('HINCRBY', key, 'freezes', 1) end
  local name = kind .. ':' .. digits(fold) .. ':' .. digits(number('epoch'))
  if other == '' then
    local why = refusal(kind, fold)
    if why then return why end
    call('HSET', key, 'under way', name)
  elseif other ~= name then return { 'busy', other, digits(number('epoch')), digits(number('kept')) } end
  return { 'go', name, digits(number('epoch')), digits(number('kept')) }
end

if verb == 'end' then
  if text('under way') ~= ARGV[2] then return 0 end
  local kind, fold = string.match(ARGV[2], '^(%a+):(%d+):%d+$')
  fold = tonumber(fold)
  if kind == 'seal' then
    table.insert(folds, fold)
    write(folds)
    call('HSET', key, 'newest', digits(fold))
  elseif kind == 'acknowledge' then
    table.remove(folds, 1)
    write(folds)
    call('HSET', key, 'dropped', digits(number('kept')), 'kept', digits(fold))
    takeBack()
  elseif kind == 'clear' then
    for shard = 0, number('shards') - 1 do call('HDEL', key, 'granted:' .. shard, 'freed:' .. shard) end
    call('HDEL', key, 'folds', 'newest', 'kept', 'dropped', 'used')
    call('HSET', key, 'epoch', digits(fold))
  end
  call('HDEL', key, 'under way')
  return 1
end

if number('shards') == 0 then return 'lost' end
local shard, granted, most = ARGV[2], number('granted:' .. ARGV[2]), tonumber(ARGV[6])
if string.match(text('under way'), '^clear') then return 'busy' end
if number('epoch') > tonumber(ARGV[3]) then return 'behind ' .. digits(number('epoch')) end
if number('epoch') < tonumber(ARGV[3]) then return 'ahead' end
if granted > tonumber(ARGV[4]) then return digits(granted) end
local left, wanted = most - number('used'), tonumber(ARGV[5])
if left < tonumber(ARGV[7]) then return 'full' end
-- Much at once while there is much, so that it is seldom asked for, and each by itself at the end.
local more = math.max(wanted, math.floor(left / (8 * number('shards'))))
call('HINCRBY', key, 'used', digits(more))
call('HSET', key, 'granted:' .. shard, digits(granted + more))
return digits(granted + more)
`,
  { writes: true },
);
