-- Whether the lease is somebody else's. Owner and epoch both: after a failover two owners can hold the same epoch.
-- Gives the partition's position too.
local function fenced(lease, owner, epoch)
  local held = redis.call('HMGET', lease, 'owner', 'epoch', 'position')
  return held[1] ~= owner or held[2] ~= epoch, tonumber(held[3] or '0')
end
