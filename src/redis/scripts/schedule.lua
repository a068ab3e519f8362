#!lua flags=allow-oom
-- schedule: write a schedule, or take it out, when it still is as it was looked at. Also when memory is short: they can be paused then too.
-- KEYS[1] schedules hash
-- ARGV[1] name   ARGV[2] version that it has, 0 when there is none   ARGV[3] record, empty to take it out
-- Replies: OK version | STALE
if (redis.call('HGET', KEYS[1], 'v:' .. ARGV[1]) or '0') ~= ARGV[2] then return { 'STALE' } end
local version = redis.call('HINCRBY', KEYS[1], 'mark', 1)
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], 'v:' .. ARGV[1], 's:' .. ARGV[1])
else
  redis.call('HSET', KEYS[1], 'v:' .. ARGV[1], version, 's:' .. ARGV[1], ARGV[3])
end
return { 'OK', version }
