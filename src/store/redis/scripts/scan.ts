import { Script } from "./script.ts";
import { SHARED } from "./shared.ts";

/**
 * Some songs of one shard, with their plays in several sets.
 *
 * KEYS: its hash, and then the sets that count, in which the hash itself may be once more. ARGV: the head that the caller
 * knows, which of the sets is being walked, the cursor in it, about how many songs, and the least plays that are wanted.
 * Gives `h` and the head that the shard has; or the next cursor, 0 behind the last one, and ids and plays in turn. A song
 * may come twice.
 */
export const SCAN: Script = new Script(
  SHARED +
    String.raw`
local head, walked, cursor, count, least = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
local now = string.match(call('HGET', KEYS[1], HEAD) or '', '^[^!]*')
if now ~= head then return { 'h', now } end
if #KEYS == 1 then return { '0' } end
local found = call('HSCAN', KEYS[1 + walked], cursor, 'COUNT', count)
local answer, fields = { found[1] }, found[2]
for at = 1, #fields, 2 do
  local id = fields[at]
  if string.byte(id) ~= 255 then
    local plays = tonumber(fields[at + 1])
    for set = 2, #KEYS do
      if set ~= 1 + walked then plays = plays + tonumber(call('HGET', KEYS[set], id) or 0) end
    end
    if plays >= least then
      answer[#answer + 1] = id
      answer[#answer + 1] = digits(plays)
    end
  end
end
return answer
`,
  { writes: false },
);
