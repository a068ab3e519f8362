-- The claim of an attempt, when its token is awaited and it is this worker's, taken since the store was last restored; else nil.
local function claim_of(run, lease, attempt)
  local stored = redis.call('HMGET', run, 't:' .. attempt.step, 'c:' .. attempt.step)
  if stored[1] ~= attempt.token or not stored[2] then return nil end
  local claim = cjson.decode(stored[2])
  if claim.worker ~= attempt.worker then return nil end
  if (claim.incarnation or 0) ~= tonumber(redis.call('HGET', lease, 'incarnation') or '0') then return nil end
  return claim
end
