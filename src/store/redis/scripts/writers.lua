-- The last request of each writer. KEYS: a hash of the writers, and a sorted set of them by their last
-- request.
--
-- Request: `writer`, `seq`, `most`, the largest number of writers, and `numbers`.
-- `claim`, with a fingerprint: returns `go` and a stamp, which is the same for a request that was claimed
-- before and not confirmed; or `stale` and the newest seq; or `reused`; or `done`, the fold and the count
-- (none for a batch).
-- `confirm`, with the fold and the count: the request was added.
-- `release`: the request was refused. It is forgotten, unless it has come twice.
--
-- A record is `seq fingerprint = fold count`, or until it is confirmed `seq fingerprint ? stamp` and the
-- record before; with `!` for `?` if it has come again since. Stamps grow.
local writer, seq, most = request.writer, digits(request.seq), request.most
local numbers = {}
for at, number in ipairs(request.numbers) do numbers[at] = digits(number) end
local all, recent = KEYS[1], KEYS[2]
local record = call('HGET', all, writer)
local lastSeq, lastPrint, state, rest = string.match(record or '', '^(%d+) (%d+) (.) ?(.*)$')

-- Returns a stamp above all earlier ones, also if the last ones were lost: at least the microseconds since
-- 1970.
local function touch()
  local stamp = digits(math.max(tonumber(call('HGET', all, '\255c') or 0) + 1, micros()))
  call('HSET', all, '\255c', stamp)
  call('ZADD', recent, stamp, writer)
  return stamp
end

local function forgetOldest(left)
  while call('ZCARD', recent) > left do call('HDEL', all, call('ZPOPMIN', recent)[1]) end
end

if verb == 'claim' then
  if record and request.seq < tonumber(lastSeq) then return { 'stale', lastSeq } end
  if record and seq == lastSeq then
    if numbers[1] ~= lastPrint then return { 'reused' } end
    touch()
    if state == '=' then return { 'done', string.match(rest, '^(%d+) ?(.*)$') } end
    -- The earlier attempt may have been added, or may be later: a refusal of this one must not release it.
    call('HSET', all, writer, table.concat({ lastSeq, lastPrint, '!', rest }, ' '))
    return { 'go', string.match(rest, '^%d+') }
  end
  local stamp = touch()
  -- Of an unconfirmed record only the stamp is kept, so that records do not grow.
  local before = record or ''
  if state and state ~= '=' then
    before = table.concat({ lastSeq, lastPrint, state, string.match(rest, '^%d+') }, ' ')
  end
  call('HSET', all, writer, table.concat({ seq, numbers[1], '?', stamp, before }, ' '))
  -- A refused request must not displace another writer, so there is room for claims; not without limit.
  forgetOldest(2 * most + 10)
  return { 'go', stamp }
end

if seq ~= lastSeq or state == '=' then return { 'gone' } end
if verb == 'release' then
  if state == '!' then return { 'gone' } end
  local before = string.match(rest, '^%d+ ?(.*)$')
  if before == '' then
    call('HDEL', all, writer)
    call('ZREM', recent, writer)
  else call('HSET', all, writer, before) end
  return { 'released' }
end

call('HSET', all, writer, table.concat({ lastSeq, lastPrint, '=', numbers[1], numbers[2] or '' }, ' '))
touch()
forgetOldest(most)
return { 'confirmed' }
