-- Redis runs Lua 5.1. Each script is appended to prelude.lua, whose locals it may use.
std = "lua51"
max_line_length = 110
read_globals = { "cjson", "redis", "KEYS", "ARGV" }
local shared = { "call", "try", "format", "verb", "request", "MAX", "WHOLE", "HEAD", "NO_HEAD", "SONGS", "CHANGES", "digits", "micros", "readSongs", "codeOf", "writeSongs" }
for _, name in ipairs(shared) do table.insert(read_globals, name) end
files["prelude.lua"] = { ignore = { "211" }, globals = {} }
