-- Reads the state that all shards share. KEYS: its hash.
-- Returns the unacknowledged folds, the kept fold, the dropped fold, the epoch, the operation under way, and
-- the times of the last seal and of the last acknowledgement. Then, for each fold, its time and its label.
local folds = call('HGET', KEYS[1], 'folds') or ''
local names = { 'kept', 'dropped', 'epoch', 'under way', 'sealed', 'acknowledged' }
for fold in string.gmatch(folds, '%d+') do
  names[#names + 1], names[#names + 2] = 'sealed ' .. fold, 'label ' .. fold
end
local found = call('HMGET', KEYS[1], unpack(names))
for at = 1, #names do found[at] = found[at] or '' end
return { folds, unpack(found) }
