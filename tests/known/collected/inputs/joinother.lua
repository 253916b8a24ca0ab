local function maker()
  local held = {}
  return function() return held end
end
local probe, other = maker(), maker()
debug.upvaluejoin(probe, 1, other, 1)
print(type(probe()))
