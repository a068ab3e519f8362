#!lua flags=allow-oom
-- bury: an attempt's worker is known to be dead; its heartbeat deadline is over now.
-- KEYS[1] run hash   KEYS[2] timers zset
-- ARGV[1] step   ARGV[2] dead worker   ARGV[3] heartbeat timer id   ARGV[4] attempt that the timer is of
-- Replies: OK | NOT_HELD
--- @include "now"
local run = redis.call('HMGET', KEYS[1], 'c:' .. ARGV[1], 's:' .. ARGV[1])
if not run[1] or cjson.decode(run[1]).worker ~= ARGV[2] then return { 'NOT_HELD' } end
-- The timer may be left of an attempt before; and a record that is damaged must not hide what else the worker held.
if tonumber(string.match(run[2] or '', '"attempt":(%d+)')) ~= tonumber(ARGV[4]) then return { 'NOT_HELD' } end
redis.call('ZADD', KEYS[2], 'XX', 'LT', now_ms(), ARGV[3])
return { 'OK' }
