-- Reads the state that all shards share. KEYS: its hash.
-- Returns the unacknowledged folds, the kept fold, the dropped fold, the epoch, and the operation under way.
local found = call('HMGET', KEYS[1], 'folds', 'kept', 'dropped', 'epoch', 'under way')
for at = 1, 5 do found[at] = found[at] or '' end
return found
