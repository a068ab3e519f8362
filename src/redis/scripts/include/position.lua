-- Counts a state change of the partition. Gives its new position, and the term (epoch and owner) that it happened in.
local function count_change(lease)
  return redis.call('HINCRBY', lease, 'position', 1), redis.call('HGET', lease, 'term') or ''
end
