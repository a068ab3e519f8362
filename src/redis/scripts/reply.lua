#!lua flags=allow-oom
-- reply: put a worker's answer into its run's inbox, once, and only for the attempt that is awaited.
-- KEYS[1] run hash   KEYS[2] inbox stream   KEYS[3] timers zset
-- ARGV[1] run   ARGV[2] step   ARGV[3] attempt   ARGV[4] token   ARGV[5] worker   ARGV[6] heartbeat timer id   ARGV[7] timeout timer id   ARGV[8] reply (JSON)
-- Replies: OK | REPEATED | STALE
--- @include "now"
local run = redis.call('HMGET', KEYS[1], 't:' .. ARGV[2], 'c:' .. ARGV[2], 'd:' .. ARGV[2])
if run[1] ~= ARGV[4] then return { run[3] == ARGV[4] and 'REPEATED' or 'STALE' } end
local claim = run[2] and cjson.decode(run[2])
if claim and claim.worker ~= ARGV[5] then return { 'STALE' } end
local head = { step = ARGV[2], attempt = tonumber(ARGV[3]), token = ARGV[4], worker = ARGV[5], begunAt = claim and claim.begunAt or now_ms() }
redis.call('HDEL', KEYS[1], 't:' .. ARGV[2], 'c:' .. ARGV[2])
redis.call('HSET', KEYS[1], 'd:' .. ARGV[2], ARGV[4])
redis.call('ZREM', KEYS[3], ARGV[6], ARGV[7])
redis.call('XADD', KEYS[2], '*', 'run', ARGV[1], 'kind', 'reply', 'head', cjson.encode(head), 'body', ARGV[8])
return { 'OK' }
