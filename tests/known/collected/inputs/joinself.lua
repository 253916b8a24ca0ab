local function maker()
  local held = {}
  return function() return held end
end
local probe = maker()
debug.upvaluejoin(probe, 1, probe, 1)
print(type(probe()))
