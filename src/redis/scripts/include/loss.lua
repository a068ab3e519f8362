-- What the partition has lost of what somebody has seen confirmed (`seen`: a position, its term, and a lower position that
-- came after it): the first and the last position that are gone, or nil. A position that is behind says it, but not any
-- more when the partition has gone on since; then the takeover that followed the term says where it had ended.
local function loss(lease, takeovers, seen)
  if seen.position == 0 then return nil end
  local stood = tonumber(redis.call('HGET', lease, 'position') or '0')
  local epoch = tonumber(string.match(seen.term, '^%d+') or '0')
  local known, following, last = seen.term == '', nil, 0
  for _, takeover in ipairs(redis.call('XRANGE', takeovers, '-', '+')) do
    local its_term, position = takeover[2][2], tonumber(takeover[2][4])
    last = tonumber(string.match(its_term, '^%d+'))
    if its_term == seen.term then
      known = true
    elseif last >= epoch and not following then
      following = position
    end
  end
  if following then stood = following end
  if seen.fell_to then stood = math.min(stood, seen.fell_to) end
  -- The term itself is gone, and none has followed.
  if not known and last < epoch then stood = math.min(stood, seen.position - 1) end
  if stood >= seen.position then return nil end
  return stood + 1, seen.position
end

-- Records a loss once, whoever notices it again, and goes on behind it, so that no position ever names two changes.
local function record_loss(lease, incidents, lost)
  local from = lost.from
  for _, incident in ipairs(redis.call('XRANGE', incidents, '-', '+')) do
    local its_from, its_to = tonumber(incident[2][2]), tonumber(incident[2][4])
    if its_from <= from and from <= its_to then from = its_to + 1 end
  end
  if from <= lost.to then redis.call('XADD', incidents, '*', 'from', from, 'to', lost.to, 'by', lost.by) end
  if tonumber(redis.call('HGET', lease, 'position') or '0') < lost.to then redis.call('HSET', lease, 'position', lost.to) end
end
