-- Changes the state that all shards share. KEYS: its hash, which has
--
-- - `format`, `shards`, `writers`, `seed`, `name`: the layout, which never changes;
-- - `epoch`, `newest`, `kept`, `dropped`, `folds`: the last clear, and the folds;
-- - `sealed N` for each fold, `sealed`, `acknowledged`: the time of its seal, of the last one, and of the
--   last acknowledgement, in milliseconds since 1970;
-- - `label N` for each fold and the kept one: its label, or nothing for a fold of an older program;
-- - `under way`: the operation that is being applied to all shards, as `seal:17:0` with the epoch. No other
--   begins until it has ended, and every server may complete it.
--
-- `lay out`, with `shards`, `writers`, `seed`, `name`: lays the counts out if they are not. Returns the
-- layout in force, the operation under way, and `new` if it was laid out now. Or `format`, for a different
-- one. `begin`, with `kind`, `fold`, `maxFolds`, perhaps `label`: returns `go` or, if another is under way,
-- `busy`, with the operation under way and the kept fold; or `done`; or a reason to refuse, and a fold or the
-- label.
-- `end`, with `operation`: returns `ended`, or `gone` if it is not under way.
-- `raise`, with `operation`, `epoch`: gives up the operation, and goes on to the epoch of a shard that is
-- ahead.
local key, act = KEYS[1], {}
local FORMAT = '2' -- of heads and hashes; changed whenever an older program could not read them
local function read(field) return call('HGET', key, field) or '' end
local function number(field) return tonumber(call('HGET', key, field) or 0) end

local folds = {}
for fold in string.gmatch(read('folds'), '%d+') do folds[#folds + 1] = tonumber(fold) end

act['lay out'] = function()
  if read('shards') ~= '' and read('format') ~= FORMAT then return { 'format' } end
  call('HSET', key, 'format', FORMAT)
  local reply = { '', '', '', '', read('under way'), '' }
  for at, field in ipairs({ 'shards', 'writers', 'seed', 'name' }) do
    if call('HSETNX', key, field, request[field]) == 1 then reply[6] = 'new' end
    reply[at] = read(field)
  end
  return reply
end

-- Returns a refusal if a fold has another label than the one of the request, if any.
local function labelRefusal(fold)
  local found = read('label ' .. digits(fold))
  if request.label and request.label ~= found then return { 'label', found } end
end

local function refusal(kind, fold)
  local kept, newest, isThere = number('kept'), number('newest'), false
  for _, known in ipairs(folds) do isThere = isThere or known == fold end
  if kind == 'seal' then
    if isThere or fold == kept and kept > 0 then return labelRefusal(fold) or { 'done' } end
    if fold <= newest then return { 'below', digits(newest) } end
    if #folds >= request.maxFolds then return { 'many' } end
  elseif kind == 'acknowledge' then
    if fold <= kept then return { 'done' } end
    if not isThere then return { 'unknown' } end
    return labelRefusal(fold) or folds[1] ~= fold and { 'older', digits(folds[1]) } or nil
  end
end

function act.begin()
  local kind, fold, kept, epoch = request.kind, request.fold, digits(number('kept')), number('epoch')
  local other = string.match(read('under way'), '^%a+:%d+:%d+$') or '' -- foreign data is ignored
  if kind == 'clear' then fold = math.max(epoch + 1, math.floor(micros() / 1000)) end
  local name = kind .. ':' .. digits(fold) .. ':' .. digits(epoch)
  if other == '' then
    local reason = refusal(kind, fold)
    if reason then return reason end
    call('HSET', key, 'under way', name)
    if kind == 'seal' then call('HSET', key, 'label ' .. digits(fold), request.label or '') end
  elseif other ~= name then return { 'busy', other, kept }
  elseif kind == 'seal' then return labelRefusal(fold) or { 'go', name, kept } end
  return { 'go', name, kept }
end

act['end'] = function()
  if read('under way') ~= request.operation then return { 'gone' } end
  local kind, fold = string.match(request.operation, '^(%a+):(%d+):%d+$')
  local now = digits(math.floor(micros() / 1000))
  if kind == 'seal' then
    folds[#folds + 1] = tonumber(fold)
    call('HSET', key, 'newest', fold, 'sealed', now, 'sealed ' .. fold, now)
  elseif kind == 'acknowledge' then
    table.remove(folds, 1)
    call('HSET', key, 'dropped', digits(number('kept')), 'kept', fold, 'acknowledged', now)
    call('HDEL', key, 'sealed ' .. fold, 'label ' .. read('dropped'))
  else
    folds[#folds + 1] = number('kept')
    for _, known in ipairs(folds) do
      call('HDEL', key, 'sealed ' .. digits(known), 'label ' .. digits(known))
    end
    folds = {}
    call('HDEL', key, 'newest', 'kept', 'dropped', 'sealed', 'acknowledged')
    call('HSET', key, 'epoch', fold)
  end
  for at, known in ipairs(folds) do folds[at] = digits(known) end
  call('HSET', key, 'folds', table.concat(folds, ','))
  call('HDEL', key, 'under way')
  return { 'ended' }
end

function act.raise()
  if read('under way') == request.operation then
    call('HDEL', key, 'under way', 'label ' .. (string.match(request.operation, '^seal:(%d+)') or ''))
  end
  if number('epoch') < request.epoch then call('HSET', key, 'epoch', digits(request.epoch)) end
  return { 'raised' }
end

return act[verb]()
