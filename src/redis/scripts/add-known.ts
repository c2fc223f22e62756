/**
 * A part of the script for batches: adds the same plays to songs that have all been played in the open fold, of shards that
 * are all as the caller knows them and have no sets, by a request without a key. That is what most batches are, and it takes
 * one command a song, half of the time of what does for all of them. What turns out to be another one on the way is taken
 * back. Gives nothing, and has done nothing, if it is another one.
 */
export const ADD_KNOWN: string = String.raw`
-- Calls act with the shard and the id of each song, until it gives something.
local function eachSong(act)
  local arg = FIRST_ARG
  for k = firstKey, #KEYS do
    local n = tonumber(ARGV[arg]) % 65536 -- whichever piece it is
    for i = arg + 1, arg + n do
      local given = act(KEYS[k], ARGV[i], i == arg + 1)
      if given then return given end
    end
    arg = arg + 1 + n
  end
end

local isPlain = samePlays and samePlays > 0 and writer == '' and sameHead ~= '*' and countSets(sameHead) == 0

-- Of part of a batch: whether that can be added, as the counts are far from too high.
local function checkKnown()
  local arg = FIRST_ARG
  for k = firstKey, #KEYS do
    local n = tonumber(ARGV[arg]) % 65536
    local all = n <= SLICE and redis.pcall('HMGET', KEYS[k], HEAD, unpack(ARGV, arg + 1, arg + n))
    if not all or all.err or (all[1] or '') ~= sameHead then return end
    for i = 2, n + 1 do
      if not all[i] or #all[i] > 14 then return end
    end
    arg = arg + 1 + n
  end
  return samePlays < 1e14 and { 'yes', 'false' }
end

local function addKnown()
  local plays, counts, pcall = ARGV[7], {}, redis.pcall
  local isOther = eachSong(function(key, id, isFirst)
    if isFirst and not areKnown and pcall('HGET', key, HEAD) ~= (sameHead ~= '' and sameHead) then return true end
    local new = pcall('HINCRBY', key, id, plays)
    if type(new) == 'table' then return true end
    counts[#counts + 1] = new
    return new == samePlays or new >= 1e14
  end)
  if not isOther then
    touch(KEYS[firstKey])
    return { 'yes', 'false', table.concat(counts, ' '), digits(MAX) }
  end
  local left = #counts
  eachSong(function(key, id)
    if left == 0 then return true end
    left = left - 1
    if call('HINCRBY', key, id, -samePlays) == 0 then call('HDEL', key, id) end
  end)
end
`;
