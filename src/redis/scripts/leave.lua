#!lua flags=allow-oom
-- leave: take a worker's reader away, unless it still holds a delivery, which would vanish with it.
-- KEYS[1] requests stream
-- ARGV[1] worker
-- Replies: OK | HOLDS
-- Whoever never joined has nothing to take away.
if redis.call('EXISTS', KEYS[1]) == 0 or #redis.call('XINFO', 'GROUPS', KEYS[1]) == 0 then return { 'OK' } end
if #redis.call('XPENDING', KEYS[1], 'workers', '-', '+', 1, ARGV[1]) > 0 then return { 'HOLDS' } end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'workers', ARGV[1])
return { 'OK' }
