#!lua flags=allow-oom
-- bury: an attempt's worker is known to be dead; its heartbeat deadline is over now.
-- KEYS[1] run hash   KEYS[2] timers zset
-- ARGV[1] step   ARGV[2] dead worker   ARGV[3] heartbeat timer id
-- Replies: OK | NOT_HELD
--- @include "now"
local claim = redis.call('HGET', KEYS[1], 'c:' .. ARGV[1])
if not claim or cjson.decode(claim).worker ~= ARGV[2] then return { 'NOT_HELD' } end
redis.call('ZADD', KEYS[2], 'XX', 'LT', now_ms(), ARGV[3])
return { 'OK' }
