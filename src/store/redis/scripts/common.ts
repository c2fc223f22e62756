/** What nearly all scripts begin with. */
export const COMMON: string = String.raw`
local call = redis.call

-- A whole number of any size, in digits.
local function digits(n) return string.format('%.0f', n) end

-- Microseconds since 1970.
local function micros()
  local now = call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end
`;
