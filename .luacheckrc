-- Prosody's modules: Lua 5.4, with the two globals that Prosody gives to every module.
std = "lua54"
max_line_length = 140
globals = { "module" }
read_globals = { "prosody" }
