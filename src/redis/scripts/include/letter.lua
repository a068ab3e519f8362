-- A dead letter as a table, or nil when it is not there any more.
local function letter_of(dead, id)
  local found = redis.call('XRANGE', dead, id, id)[1]
  if not found then return nil end
  local letter = {}
  for index = 1, #found[2], 2 do letter[found[2][index]] = found[2][index + 1] end
  return letter
end
