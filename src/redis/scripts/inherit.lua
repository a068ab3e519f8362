#!lua flags=allow-oom
-- inherit: give a dead worker's deliveries, which it never began, to another worker, and take its reader away.
-- KEYS[1] requests stream
-- ARGV[1] dead worker   ARGV[2] heir   ARGV[3] most deliveries to move at once
-- Replies: OK moved
local pending = redis.call('XPENDING', KEYS[1], 'workers', '-', '+', ARGV[3], ARGV[1])
for _, delivery in ipairs(pending) do redis.call('XCLAIM', KEYS[1], 'workers', ARGV[2], 0, delivery[1], 'JUSTID') end
-- What is left would vanish with the reader, so it stays for the next call.
if #pending < tonumber(ARGV[3]) then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'workers', ARGV[1]) end
return { 'OK', #pending }
