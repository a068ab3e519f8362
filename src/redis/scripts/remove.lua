#!lua flags=allow-oom
-- remove: delete a run that has ended, with its history.
-- KEYS[1] run hash   KEYS[2] history stream   KEYS[3] runs zset of its status   KEYS[4] lease hash   KEYS[5] inbox stream
-- ARGV[1] run   ARGV[2] expected version   ARGV[3] expected status
-- Replies: OK position term | STALE
--- @include "ended"
--- @include "position"
local stored = redis.call('HMGET', KEYS[1], 'version', 'status', 'reopening')
if stored[1] ~= ARGV[2] or stored[2] ~= ARGV[3] or not ended(ARGV[3]) then return { 'STALE' } end
-- A message that takes it up again is on its way.
if stored[3] and #redis.call('XRANGE', KEYS[5], stored[3], stored[3]) > 0 then return { 'STALE' } end
redis.call('ZCARD', KEYS[3])
-- Everything is checked: from here on nothing can fail.
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('ZREM', KEYS[3], ARGV[1])
return { 'OK', count_change(KEYS[4]) }
