#!lua flags=allow-oom
-- reply: put a worker's answer into its run's inbox, once, and only for the attempt that is awaited and that the worker holds.
-- KEYS[1] run hash   KEYS[2] inbox stream   KEYS[3] timers zset   KEYS[4] lease hash   KEYS[5] dead stream
-- ARGV[1] run   ARGV[2] step   ARGV[3] attempt   ARGV[4] token   ARGV[5] worker   ARGV[6] heartbeat timer id   ARGV[7] timeout timer id   ARGV[8] reply (JSON)
-- Replies: OK position term | REPEATED | STALE
--- @include "claim"
--- @include "position"
local head = { step = ARGV[2], attempt = tonumber(ARGV[3]), token = ARGV[4], worker = ARGV[5] }
local claim = claim_of(KEYS[1], KEYS[4], head)
if not claim then
  local stored = redis.call('HMGET', KEYS[1], 'd:' .. ARGV[2], 'l:' .. ARGV[2], 'version')
  if stored[1] == ARGV[4] then return { 'REPEATED' } end
  -- Whatever it is, somebody has paid for it: kept once, for people to look at.
  local late = ARGV[4] .. ' ' .. ARGV[5]
  if stored[3] and stored[2] ~= late then
    redis.call('HSET', KEYS[1], 'l:' .. ARGV[2], late)
    redis.call('XADD', KEYS[5], '*', 'entry', '', 'reason', 'the attempt was no longer awaited from this worker', 'run', ARGV[1], 'kind', 'late-reply', 'head', cjson.encode(head), 'body', ARGV[8])
  end
  return { 'STALE' }
end
head.begunAt = claim.begunAt
redis.call('HDEL', KEYS[1], 't:' .. ARGV[2], 'c:' .. ARGV[2])
redis.call('HSET', KEYS[1], 'd:' .. ARGV[2], ARGV[4])
redis.call('ZREM', KEYS[3], ARGV[6], ARGV[7])
redis.call('XADD', KEYS[2], '*', 'run', ARGV[1], 'kind', 'reply', 'head', cjson.encode(head), 'body', ARGV[8])
return { 'OK', count_change(KEYS[4]) }
