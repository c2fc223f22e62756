/**
 * A part of the script for batches, whose names it uses, for what most batches are: the same plays of songs that have all been
 * played in the open fold, of shards that are all as the caller knows them and have no sets, by a request without a key. That
 * takes one command a song, half of the time of what does for any batch. It is tried, and taken back if a song turns out not
 * to be of that kind. Both functions give the script's answer; or nothing, and then they have done nothing.
 */
export const ADD_KNOWN: string = String.raw`
local isPlain = samePlays and samePlays > 0 and writer == '' and sameHead ~= '*' and countSets(sameHead) == 0

-- Calls act with the shard and the id of each song, and whether it is the first one there, until it gives something.
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

-- Whether all can be added: they are there, and their counts far from too high.
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
  local plays, counts, pcall = digits(samePlays), {}, redis.pcall
  local isOtherKind = eachSong(function(key, id, isFirst)
    if isFirst and not areKnown and pcall('HGET', key, HEAD) ~= (sameHead ~= '' and sameHead) then return true end
    local new = pcall('HINCRBY', key, id, plays)
    if type(new) == 'table' then return true end
    counts[#counts + 1] = new
    return new == samePlays or new >= 1e14
  end)
  if not isOtherKind then
    touch(KEYS[firstKey])
    return { 'yes', 'false', table.concat(counts, ' '), digits(MAX) }
  end
  local left = #counts
  eachSong(function(key, id)
    if left == 0 then return true end
    left = left - 1
    if call('HINCRBY', key, id, digits(-samePlays)) == 0 then call('HDEL', key, id) end
  end)
end
`;
