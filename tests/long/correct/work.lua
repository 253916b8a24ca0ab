-- Tables, strings, patterns, coroutines, closures and errors in Lua: `lua work.lua`. Its output depends on nothing else.
local words, rows, keys, sum = {}, {}, {}, 0
for n = 0, 99999 do
    local letters = {}
    for k = 0, n % 8 do letters[#letters + 1] = string.char(97 + (n * 7919 + k * 31) * (k + 3) % 65521 % 26) end
    local word = table.concat(letters)
    words[word] = (words[word] or 0) + n
    if n % 8 == 0 then rows[#rows + 1] = { name = word, number = n } end
end
for key in pairs(words) do keys[#keys + 1] = key end
table.sort(keys)
for _, key in ipairs(keys) do sum = (sum * 33 + words[key] + #key) % 1000003 end
print(#keys, sum)
table.sort(rows, function(a, b)
    if #a.name ~= #b.name then return #a.name < #b.name end
    if a.name ~= b.name then return a.name < b.name end
    return a.number < b.number
end)
local lines = {}
for _, row in ipairs(rows) do lines[#lines + 1] = string.format("%s=%05d", row.name, row.number) end
local text = table.concat(lines, "\n")
print(#text, select(2, text:gsub("(%a)%a-%1=", "")), #text:gsub("%d+", function(d) return d * 7 end))
local made = {}
for n = 1, 300 do made[n] = coroutine.wrap(function() for k = 1, 50 do coroutine.yield(n * k) end end) end
local total = 0
for _ = 1, 50 do for n = 1, 300 do total = total + made[n]() end end
print(total)
for n = 1, 500 do
    local ok, message = pcall(function() if n % 2 == 0 then error("number " .. n) else return nil + n end end)
    assert(not ok)
    total = total + #message
end
print(total, select("#", table.unpack(keys, 1, 200)), load("return 6 * 7")())
collectgarbage()
os.exit(3, true)
