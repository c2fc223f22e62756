-- Reads the state that all shards share. KEYS: its hash.
-- Returns the unacknowledged folds, the kept fold, the dropped fold, the epoch, the operation under way, and
-- the times of the last seal, the last acknowledgement, and the seal of the oldest fold.
local folds = call('HGET', KEYS[1], 'folds') or ''
local oldest = 'sealed ' .. (string.match(folds, '%d+') or '')
local names = { 'kept', 'dropped', 'epoch', 'under way', 'sealed', 'acknowledged', oldest }
local found = call('HMGET', KEYS[1], unpack(names))
for at = 1, #names do found[at] = found[at] or '' end
return { folds, unpack(found) }
