#!lua flags=allow-oom
-- abandon: what a dead worker was sent and never began counts as lying there for an hour, so that the next worker that looks takes it.
-- KEYS[1] requests stream
-- ARGV[1] dead worker   ARGV[2] most deliveries at once
-- Replies: OK deliveries
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'OK', 0 } end
local known = false
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do known = known or group[2] == 'workers' end
-- Somebody deleted the group: whoever reads makes it again from the start.
if not known then return { 'OK', 0 } end
local pending = redis.call('XPENDING', KEYS[1], 'workers', '-', '+', ARGV[2], ARGV[1])
for _, delivery in ipairs(pending) do
  redis.call('XCLAIM', KEYS[1], 'workers', ARGV[1], 0, delivery[1], 'IDLE', 3600000, 'JUSTID')
end
return { 'OK', #pending }
