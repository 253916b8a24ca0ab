local name = string.rep("word_", 2)
local pieces = { "local t = {} t." .. name .. " = 4 return t." .. name, "\n", "\n", "\n" }
local at = 0
local made = load(function()
  at = at + 1
  collectgarbage()
  return pieces[at]
end)
print(made())
